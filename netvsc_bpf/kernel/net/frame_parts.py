# SPDX-License-Identifier: GPL-2.0-only
"""Builds what the frames made by this package have in common: headers, ARP, neighbour discovery. Pure."""

import socket
import struct
from ipaddress import IPv6Address

from netvsc_bpf.kernel.net.internet_checksum import with_checksum

ETH_P_IP, ETH_P_ARP, ETH_P_RARP, ETH_P_IPV6 = 0x0800, 0x0806, 0x8035, 0x86DD  # include/uapi/linux/if_ether.h
BROADCAST = b"\xff" * 6
ALL_NODES = IPv6Address("ff02::1")
ALL_NODES_MAC = bytes.fromhex("333300000001")  # RFC 2464, section 7
ARP = struct.Struct("!HHBBH6s4s6s4s")
"""ARP for IPv4 on Ethernet (RFC 826)."""
ARP_FIXED = (1, ETH_P_IP, 6, 4)
"""Its first four fields: Ethernet, IPv4 and the lengths of their addresses."""
NEIGHBOUR_ADVERTISEMENT = 136
SOURCE_LINK_LAYER_ADDRESS, TARGET_LINK_LAYER_ADDRESS = 1, 2
NDP_HOP_LIMIT = 255
"""RFC 4861, section 7.1.2: a router cannot have forwarded it."""


def ethernet(target: bytes, source: bytes, protocol: int) -> bytes:
    """Return an Ethernet header of 14 bytes."""
    return target + source + struct.pack("!H", protocol)


def arp(operation: int, mac: bytes, sender: bytes, target_mac: bytes, target: bytes) -> bytes:
    """Return an ARP or RARP packet of 28 bytes from a sender's MAC and IPv4 address."""
    return ARP.pack(*ARP_FIXED, operation, mac, sender, target_mac, target)


def ipv6_header(size: int, next_header: int, hop_limit: int) -> bytes:
    """Return the first 8 bytes of an IPv6 header; the addresses follow. `size`: bytes behind the header."""
    return struct.pack("!IHBB", 6 << 28, size, next_header, hop_limit)


def icmpv6_pseudo_header(addresses: bytes, size: int) -> bytes:
    """Return what the checksum of an ICMPv6 message of `size` bytes also covers (RFC 8200, section 8.1).

    `addresses`: the source's 16 bytes, then the destination's.
    """
    return addresses + struct.pack("!II", size, socket.IPPROTO_ICMPV6)


def neighbour_message(
    kind: int,
    flags: int,
    sender: IPv6Address,
    receiver: bytes,
    target: IPv6Address,
    option: tuple[int, bytes],
) -> bytes:
    """Return an IPv6 packet with a neighbour solicitation or advertisement (RFC 4861, sections 4.3 and 4.4).

    `receiver`: 16 bytes. `option`: the type of a link-layer address option, and the MAC in it.
    """
    body = struct.pack("!BBHI16sBB6s", kind, 0, 0, flags, target.packed, option[0], 1, option[1])
    addresses = sender.packed + receiver
    body = with_checksum(body, 2, icmpv6_pseudo_header(addresses, len(body)))
    return ipv6_header(len(body), socket.IPPROTO_ICMPV6, NDP_HOP_LIMIT) + addresses + body
