# SPDX-License-Identifier: GPL-2.0-only
"""Builds the frames from which switches learn where a MAC is. Pure: values in, bytes out.

A switch learns from any frame, but the receivers interpret it. So each frame contains only what every
neighbour knows already: the MAC of an address.
"""

import socket
import struct
from ipaddress import IPv4Address, IPv6Address

from netvsc_bpf.kernel.net.checksum import internet_checksum

ETH_P_ARP, ETH_P_RARP, ETH_P_IPV6 = 0x0806, 0x8035, 0x86DD  # include/uapi/linux/if_ether.h
_BROADCAST = b"\xff" * 6
_NOBODY = bytes(6)
_ALL_NODES = IPv6Address("ff02::1")
_ALL_NODES_MAC = bytes.fromhex("333300000001")  # RFC 2464, section 7
_ARP_REQUEST, _RARP_REQUEST = 1, 3
_NEIGHBOUR_ADVERTISEMENT = 136
_ROUTER, _OVERRIDE = 1 << 31, 1 << 29
_TARGET_LINK_LAYER_ADDRESS = 2
_HOP_LIMIT = 255
"""RFC 4861, section 7.1.2: a router cannot have forwarded it."""


def gratuitous_arp(mac: bytes, address: IPv4Address) -> bytes:
    """Return an ARP announcement (RFC 5227, section 2.3): a request for the sender's own address."""
    return _arp(ETH_P_ARP, _ARP_REQUEST, mac, address.packed, _NOBODY, address.packed)


def rarp(mac: bytes) -> bytes:
    """Return a RARP request for the sender's own MAC, for a NIC without addresses.

    It contains only the MAC. Hypervisors announce migrated guests with it (QEMU's announce_self_create()).
    """
    return _arp(ETH_P_RARP, _RARP_REQUEST, mac, bytes(4), mac, bytes(4))


def unsolicited_na(mac: bytes, address: IPv6Address, *, router: bool = False) -> bytes:
    """Return an unsolicited neighbour advertisement to all nodes, override set (RFC 4861, section 7.2.6).

    `router`: the sender forwards; without the flag neighbours would remove it from their default routers.
    """
    flags = _OVERRIDE | (_ROUTER if router else 0)
    option = struct.pack("!BB6s", _TARGET_LINK_LAYER_ADDRESS, 1, mac)
    body = struct.pack("!BBHI16s", _NEIGHBOUR_ADVERTISEMENT, 0, 0, flags, address.packed) + option
    pseudo = address.packed + _ALL_NODES.packed + struct.pack("!II", len(body), socket.IPPROTO_ICMPV6)
    body = body[:2] + struct.pack("!H", internet_checksum(pseudo + body)) + body[4:]
    head = struct.pack("!IHBB", 6 << 28, len(body), socket.IPPROTO_ICMPV6, _HOP_LIMIT)
    packet = head + address.packed + _ALL_NODES.packed + body
    return _ethernet(_ALL_NODES_MAC, mac, ETH_P_IPV6) + packet


def _ethernet(target: bytes, source: bytes, protocol: int) -> bytes:
    return target + source + struct.pack("!H", protocol)


def _arp(protocol: int, operation: int, mac: bytes, sender: bytes, target_mac: bytes, target: bytes) -> bytes:
    fixed = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
    return _ethernet(_BROADCAST, mac, protocol) + fixed + mac + sender + target_mac + target
