# SPDX-License-Identifier: GPL-2.0-only
"""Builds the frames from which switches learn where a MAC is. Pure: values in, bytes out.

A switch learns from the source MAC of any frame, but the receivers interpret the rest. A RARP request has
nothing else in it. An ARP announcement or a neighbour advertisement also claims an IP address: that is wrong
where another machine answers for it (direct server return), or where a packet filter or arp_ignore keeps this
one from answering.
"""

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from netvsc_bpf.kernel.net.frame_parts import (
    ALL_NODES,
    ALL_NODES_MAC,
    BROADCAST,
    ETH_P_ARP,
    ETH_P_IPV6,
    ETH_P_RARP,
    NEIGHBOUR_ADVERTISEMENT,
    TARGET_LINK_LAYER_ADDRESS,
    arp,
    ethernet,
    neighbour_message,
)

_NOBODY = bytes(6)
_ARP_REQUEST, _RARP_REQUEST = 1, 3
_ROUTER, _OVERRIDE = 1 << 31, 1 << 29


@dataclass(frozen=True, slots=True)
class Tag:
    """A VLAN tag (IEEE 802.1Q) of priority 0."""

    protocol: int
    """ETH_P_8021Q or ETH_P_8021AD."""
    vlan: int


def gratuitous_arp(mac: bytes, address: IPv4Address) -> bytes:
    """Return an ARP announcement (RFC 5227, section 2.3): a request for the sender's own address."""
    packet = arp(_ARP_REQUEST, mac, address.packed, _NOBODY, address.packed)
    return ethernet(BROADCAST, mac, ETH_P_ARP) + packet


def rarp(mac: bytes) -> bytes:
    """Return a RARP request (RFC 903) for the sender's own MAC.

    It contains only the MAC. Hypervisors announce migrated guests with it (QEMU's announce_self_create()).
    """
    return ethernet(BROADCAST, mac, ETH_P_RARP) + arp(_RARP_REQUEST, mac, bytes(4), mac, bytes(4))


def unsolicited_na(mac: bytes, address: IPv6Address, *, router: bool = False) -> bytes:
    """Return an unsolicited neighbour advertisement to all nodes, override set (RFC 4861, section 7.2.6).

    `router`: the sender forwards; without the flag neighbours would remove it from their default routers.
    """
    flags = _OVERRIDE | (_ROUTER if router else 0)
    option = TARGET_LINK_LAYER_ADDRESS, mac
    packet = neighbour_message(NEIGHBOUR_ADVERTISEMENT, flags, address, ALL_NODES.packed, address, option)
    return ethernet(ALL_NODES_MAC, mac, ETH_P_IPV6) + packet


def tagged(frame: bytes, tag: Tag | None) -> bytes:
    """Return the frame with a tag in front of its EtherType; None: as it is."""
    return frame if tag is None else frame[:12] + struct.pack("!HH", tag.protocol, tag.vlan) + frame[12:]
