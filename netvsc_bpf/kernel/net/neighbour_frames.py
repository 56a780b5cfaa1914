# SPDX-License-Identifier: GPL-2.0-only
"""Builds the frames that ask a neighbour whether it is there, and reads the answers. Pure.

They are those by which the kernel itself resolves neighbours, so every neighbour answers them: an ARP request
(RFC 826) or a neighbour solicitation (RFC 4861). Sent to the MAC of the neighbour (unicast polls, RFC 1122
section 2.3.2.1, and RFC 4861 section 7.3.3) they disturb no other host.
"""

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from netvsc_bpf.kernel.net.frame_parts import (
    ARP,
    ARP_FIXED,
    BROADCAST,
    ETH_P_ARP,
    ETH_P_IPV6,
    NDP_HOP_LIMIT,
    NEIGHBOUR_ADVERTISEMENT,
    SOURCE_LINK_LAYER_ADDRESS,
    TARGET_LINK_LAYER_ADDRESS,
    arp,
    ethernet,
    neighbour_message,
)

_REQUEST, _REPLY = 1, 2
_ANY_MAC = bytes(6)
_SOLICITATION = 135
_SOLICITED = 1 << 30


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a neighbour, and its MAC if it said it."""

    address: IPv4Address | IPv6Address
    mac: bytes | None = None


def arp_request(mac: bytes, sender: IPv4Address | None, target: IPv4Address, to: bytes | None) -> bytes:
    """Return a request for the MAC of `target`, to the MAC `to` or to all.

    Without an address of its own the sender's is 0.0.0.0, as in a probe of RFC 5227.
    """
    packed = bytes(4) if sender is None else sender.packed
    return ethernet(to or BROADCAST, mac, ETH_P_ARP) + arp(_REQUEST, mac, packed, _ANY_MAC, target.packed)


def solicitation(mac: bytes, sender: IPv6Address, target: IPv6Address, to: bytes | None) -> bytes:
    """Return a neighbour solicitation, to the MAC `to`, or to the solicited-node group of `target`."""
    group = b"\xff\x02" + bytes(9) + b"\x01\xff" + target.packed[13:]  # RFC 4291, section 2.7.1
    receiver = group if to is None else target.packed
    option = SOURCE_LINK_LAYER_ADDRESS, mac
    packet = neighbour_message(_SOLICITATION, 0, sender, receiver, target, option)
    return ethernet(to or b"\x33\x33" + group[12:], mac, ETH_P_IPV6) + packet


def arp_answer(packet: bytes) -> Answer | None:
    """Return who answered in this ARP packet; None if it is no reply, or of another kind of network."""
    if len(packet) < ARP.size:
        return None
    *fixed, operation, mac, sender, _, _ = ARP.unpack_from(packet)
    if (*fixed, operation) != (*ARP_FIXED, _REPLY):
        return None
    return Answer(IPv4Address(sender), mac)


def advertised(message: bytes, hop_limit: int) -> Answer | None:
    """Return who answered in this ICMPv6 message; None if it is not the answer to a solicitation.

    RFC 4861, section 7.1.2: with another hop limit than 255 it may come from another network.
    """
    if len(message) < 24 or message[0] != NEIGHBOUR_ADVERTISEMENT or message[1] or hop_limit != NDP_HOP_LIMIT:
        return None
    (flags,) = struct.unpack_from("!I", message, 4)
    if not flags & _SOLICITED:
        return None
    option, mac = message[24:32], None
    if len(option) == 8 and option[:2] == bytes((TARGET_LINK_LAYER_ADDRESS, 1)):
        mac = option[2:]
    return Answer(IPv6Address(message[8:24]), mac)
