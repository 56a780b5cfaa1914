# SPDX-License-Identifier: GPL-2.0-only
"""Reads the addresses and routes of an interface.

The kernel filters them (NETLINK_GET_STRICT_CHK), because a router may have a million routes.
"""

import socket
import struct
from collections.abc import Iterator

from netvsc_bpf.kernel.net.rtnetlink import Message, Rtnetlink, attribute

_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_RTM_GETADDR, _RTM_GETROUTE = 22, 26
# include/uapi/linux/if_addr.h and rtnetlink.h
_IFADDRMSG, _RTMSG, _U32 = struct.Struct("=BBBBI"), struct.Struct("=8BI"), struct.Struct("=I")
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_DST, _RTA_OIF, _RTA_TABLE = 1, 4, 15
_RTN_UNICAST, _RTPROT_KERNEL, _RT_TABLE_LOCAL = 1, 2, 255


def own_addresses(rtnl: Rtnetlink, ifindex: int) -> Iterator[str]:
    """Yield IPv4 and IPv6 addresses like ``192.0.2.1/24``, including link-local ones. Raises OSError."""
    for family in _FAMILIES:
        for answer in rtnl.dump(_RTM_GETADDR, _IFADDRMSG.pack(family, 0, 0, 0, ifindex)):
            _, length, _, _, owner = _IFADDRMSG.unpack_from(answer.body)
            found = answer.attributes(_IFADDRMSG.size)
            address = found.get(_IFA_LOCAL) or found.get(_IFA_ADDRESS)
            if owner == ifindex and address is not None:
                yield f"{socket.inet_ntop(family, address)}/{length}"


def own_routes(rtnl: Rtnetlink, ifindex: int) -> Iterator[str]:
    """Yield the destinations routed through an interface, except those that result from its addresses.

    Raises OSError.
    """
    for family in _FAMILIES:
        head = _RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)
        for answer in rtnl.dump(_RTM_GETROUTE, head + attribute(_RTA_OIF, _U32.pack(ifindex))):
            if _is_own(answer, ifindex):
                to = answer.attributes(_RTMSG.size).get(_RTA_DST)
                yield "default" if to is None else f"{socket.inet_ntop(family, to)}/{answer.body[1]}"


def has_address(rtnl: Rtnetlink, ifindex: int) -> bool:
    """Return whether an interface has any address. Raises OSError."""
    return any(own_addresses(rtnl, ifindex))


def has_route(rtnl: Rtnetlink, ifindex: int) -> bool:
    """Return whether an interface has routes, except those that result from its addresses. Raises OSError."""
    return any(own_routes(rtnl, ifindex))


def _is_own(answer: Message, ifindex: int) -> bool:
    _, _, _, _, table, protocol, _, kind, _ = _RTMSG.unpack_from(answer.body)
    found = answer.attributes(_RTMSG.size)
    if _RTA_TABLE in found:
        (table,) = _U32.unpack(found[_RTA_TABLE])
    follows = protocol == _RTPROT_KERNEL or table == _RT_TABLE_LOCAL
    return kind == _RTN_UNICAST and not follows and found.get(_RTA_OIF) == _U32.pack(ifindex)
