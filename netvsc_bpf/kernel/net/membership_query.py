# SPDX-License-Identifier: GPL-2.0-only
"""Builds general queries of IGMPv3 and MLDv2, for this machine's own stack. Pure: values in, bytes out.

A host answers such a query with reports of all its memberships on the receiving interface, in the version
that is in use there, with the source filters (igmp_heard_query() in net/ipv4/igmp.c, __mld_query_work() in
net/ipv6/mcast.c). Neither query changes that version: only queries of older versions do.

No station must take the sender for a querier. The IPv4 source is 0.0.0.0, which takes no part in an election
(RFC 4541, section 2.1.1) and which the kernel accepts here without looking for a route
(ip_mc_validate_source() in net/ipv4/route.c), so rp_filter does not matter. MLD needs a link-local source: it
is the highest of fe80::/64, because the lowest wins (RFC 3810, section 7.6.2).

Both say that the usual querier settings apply (query interval 125 s, default robustness). Hosts use these
values until the next query of the true querier.
"""

import socket
import struct
from ipaddress import IPv4Address, IPv6Address

from netvsc_bpf.kernel.net.frame_parts import (
    ALL_NODES,
    ETH_P_IP,
    ETH_P_IPV6,
    ethernet,
    icmpv6_pseudo_header,
    ipv6_header,
)
from netvsc_bpf.kernel.net.internet_checksum import with_checksum

ALL_HOSTS_MAC = bytes.fromhex("01005e000001")  # of 224.0.0.1; RFC 1112, section 6.4
SOURCE_MAC = b"\x02nvqry"
"""Locally administered, and of no station: a bridge above learns it at the uplink, where it does no harm."""

_ALL_HOSTS = IPv4Address("224.0.0.1")
_NO_SOURCE, _LAST_LINK_LOCAL = IPv4Address("0.0.0.0"), IPv6Address("fe80::ffff:ffff:ffff:ffff")
_IGMP_QUERY, _MLD_QUERY = 0x11, 130
_TTL = 1
_INTERNETWORK_CONTROL = 0xC0
"""The TOS of IGMP (RFC 3376, section 4)."""
_ROUTER_ALERT4 = bytes.fromhex("94040000")  # RFC 2113
_ROUTER_ALERT6 = bytes.fromhex("3a00 0502 0000 0100")
"""A hop-by-hop header: ICMPv6 follows, router alert for MLD (RFC 2711), PadN; the kernel requires it."""
_IGMP_DELAY = 1
"""Max Resp Code, 0.1 s: hosts answer within that. A host that knows only IGMPv2 takes 0 for a query of IGMPv1
(RFC 2236, section 4), and would speak that for the next 400 seconds."""
_MLD_DELAY = 1
"""Maximum Response Code, 1 ms: at once."""
_QUERY_INTERVAL_S = 125  # RFC 3376, section 8.2; RFC 3810, section 9.2


def igmp_query(target: bytes) -> bytes:
    """Return an IGMPv3 general query (RFC 3376, section 4.1) in a frame to the MAC `target`."""
    # Type, code, checksum, group, S and QRV (0: the host's default), QQIC, number of sources
    query = struct.pack("!BBH4xBBH", _IGMP_QUERY, _IGMP_DELAY, 0, 0, _QUERY_INTERVAL_S, 0)
    query = with_checksum(query, 2)
    length = 20 + len(_ROUTER_ALERT4) + len(query)
    header = struct.pack(
        "!BBHHHBBH4s4s",
        4 << 4 | (20 + len(_ROUTER_ALERT4)) // 4,
        _INTERNETWORK_CONTROL,
        length,
        0,
        0,
        _TTL,
        socket.IPPROTO_IGMP,
        0,
        _NO_SOURCE.packed,
        _ALL_HOSTS.packed,
    )
    return ethernet(target, SOURCE_MAC, ETH_P_IP) + with_checksum(header + _ROUTER_ALERT4, 10) + query


def mld_query(target: bytes) -> bytes:
    """Return an MLDv2 general query (RFC 3810, section 5.1) in a frame to the MAC `target`."""
    # Type, code, checksum, maximum response code, group, S and QRV (0: unchanged), QQIC, number of sources
    query = struct.pack("!BBHHH16xBBH", _MLD_QUERY, 0, 0, _MLD_DELAY, 0, 0, _QUERY_INTERVAL_S, 0)
    addresses = _LAST_LINK_LOCAL.packed + ALL_NODES.packed
    query = with_checksum(query, 2, icmpv6_pseudo_header(addresses, len(query)))
    payload = _ROUTER_ALERT6 + query
    header = ipv6_header(len(payload), socket.IPPROTO_HOPOPTS, _TTL)
    return ethernet(target, SOURCE_MAC, ETH_P_IPV6) + header + addresses + payload
