# SPDX-License-Identifier: GPL-2.0-only
"""Has an interface an address or a route of its own?

The doctor names them (doctor/vf_addresses.py); this only says yes or no, for those who ask again and again.
The kernel filters (NETLINK_GET_STRICT_CHK): a router may hold a million routes.
"""

import socket
import struct

from netvsc_bpf.kernel.rtnetlink import Message, Rtnetlink, attribute

_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_RTM_GETADDR, _RTM_GETROUTE = 22, 26
# include/uapi/linux/if_addr.h and rtnetlink.h
_IFADDRMSG, _RTMSG, _U32 = struct.Struct("=BBBBI"), struct.Struct("=8BI"), struct.Struct("=I")
_RTA_OIF, _RTA_TABLE = 4, 15
_RTN_UNICAST, _RTPROT_KERNEL, _RT_TABLE_LOCAL = 1, 2, 255


def has_address(rtnl: Rtnetlink, ifindex: int) -> bool:
    """Tell whether an interface has any IPv4 or IPv6 address, link-local ones too. Raises OSError."""
    return any(
        _IFADDRMSG.unpack_from(answer.body)[4] == ifindex
        for family in _FAMILIES
        for answer in rtnl.dump(_RTM_GETADDR, _IFADDRMSG.pack(family, 0, 0, 0, ifindex))
    )


def has_route(rtnl: Rtnetlink, ifindex: int) -> bool:
    """Tell whether packets leave by an interface, but for what follows from its addresses. Raises OSError."""
    return any(_is_own(answer, ifindex) for family in _FAMILIES for answer in _routes(rtnl, family, ifindex))


def _routes(rtnl: Rtnetlink, family: int, ifindex: int) -> list[Message]:
    head = _RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)
    return rtnl.dump(_RTM_GETROUTE, head + attribute(_RTA_OIF, _U32.pack(ifindex)))


def _is_own(answer: Message, ifindex: int) -> bool:
    _, _, _, _, table, protocol, _, kind, _ = _RTMSG.unpack_from(answer.body)
    found = answer.attributes(_RTMSG.size)
    if _RTA_TABLE in found:
        (table,) = _U32.unpack(found[_RTA_TABLE])
    follows = protocol == _RTPROT_KERNEL or table == _RT_TABLE_LOCAL
    return kind == _RTN_UNICAST and not follows and found.get(_RTA_OIF) == _U32.pack(ifindex)
