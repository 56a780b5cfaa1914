# SPDX-License-Identifier: GPL-2.0-only
"""Reads the next hops of the default routes through an interface, of all routing tables and both families."""

import errno
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from netvsc_bpf.kernel.net.rtnetlink import Message, Rtnetlink, attribute

Address = IPv4Address | IPv6Address

_RTM_GETROUTE, _RTM_GETNEXTHOP = 26, 106
# include/uapi/linux/rtnetlink.h and nexthop.h
_RTMSG, _RTNEXTHOP, _NHMSG, _GROUP_MEMBER = map(struct.Struct, ("=8BI", "=HBBi", "=BBBxI", "=IBBH"))
_U32 = struct.Struct("=I")
_RTA_OIF, _RTA_GATEWAY, _RTA_MULTIPATH, _RTA_VIA, _RTA_NH_ID = 4, 5, 9, 18, 30
_RTN_UNICAST, _RTM_F_CLONED = 1, 0x200
_NHA_ID, _NHA_GROUP, _NHA_OIF, _NHA_GATEWAY = 1, 2, 5, 6
_DESTINATION_LENGTH, _TYPE = 1, 7
"""Bytes of struct rtmsg."""


def next_hops(rtnl: Rtnetlink, ifindex: int) -> list[Address]:
    """Return the neighbours that default routes lead to through this interface, without duplicates.

    The kernel filters the routes by interface; routes of nexthop objects, of which the kernel shows only the
    number where net.ipv4.nexthop_compat_mode is 0, are looked up. Raises OSError.
    """
    found: list[Address] = []
    for family in (socket.AF_INET, socket.AF_INET6):
        head = _RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)
        for route in _dumped(rtnl, head + attribute(_RTA_OIF, _U32.pack(ifindex))):
            if is_default(route):
                hops, nexthop = parse_route(route)
                hops += _object(rtnl, nexthop) if nexthop is not None and not hops else []
                found += [address for owner, address in hops if owner == ifindex]
    return list(dict.fromkeys(found))


def is_default(route: Message) -> bool:
    """Return whether this RTM_NEWROUTE is a default route of the routing tables. Pure."""
    flags = _RTMSG.unpack_from(route.body)[8]
    unicast = route.body[_TYPE] == _RTN_UNICAST and not flags & _RTM_F_CLONED
    return unicast and route.body[_DESTINATION_LENGTH] == 0


def parse_route(route: Message) -> tuple[list[tuple[int, Address]], int | None]:
    """Return the next hops of a route (ifindex, address), and the number of its nexthop object. Pure."""
    family, found = route.body[0], route.attributes(_RTMSG.size)
    nexthop = _u32(found[_RTA_NH_ID]) if _RTA_NH_ID in found else None
    hops = list(_hops(family, found.get(_RTA_MULTIPATH, b"")))
    if _RTA_OIF in found and (address := _neighbour(family, found)) is not None:
        hops.append((_u32(found[_RTA_OIF]), address))
    return hops, nexthop


def _dumped(rtnl: Rtnetlink, body: bytes) -> list[Message]:
    try:
        return rtnl.dump(_RTM_GETROUTE, body)
    except OSError as error:
        # ENODEV: the interface is gone. EOPNOTSUPP: no IPv6.
        if error.errno not in (errno.ENODEV, errno.EOPNOTSUPP):
            raise
        return []


def _hops(family: int, multipath: bytes) -> Iterator[tuple[int, Address]]:
    """Parse RTA_MULTIPATH: each struct rtnexthop is followed by its attributes."""
    at = 0
    while at + _RTNEXTHOP.size <= len(multipath):
        length, _, _, ifindex = _RTNEXTHOP.unpack_from(multipath, at)
        if length < _RTNEXTHOP.size:
            return
        inner = Message(0, multipath[at : at + length]).attributes(_RTNEXTHOP.size)
        if (address := _neighbour(family, inner)) is not None:
            yield ifindex, address
        at += length + -length % 4


def _neighbour(family: int, found: dict[int, bytes]) -> Address | None:
    """Return the gateway; RTA_VIA has one of another family than the route (RFC 8950)."""
    if _RTA_VIA in found:
        via = found[_RTA_VIA]
        return _address(struct.unpack_from("=H", via)[0], via[2:])
    return _address(family, found[_RTA_GATEWAY]) if _RTA_GATEWAY in found else None


def _address(family: int, raw: bytes) -> Address | None:
    match family:
        case socket.AF_INET:
            return IPv4Address(raw[:4])
        case socket.AF_INET6:
            return IPv6Address(raw[:16])
    return None


def _object(rtnl: Rtnetlink, number: int) -> list[tuple[int, Address]]:
    """Return the next hops of a nexthop object, or of the members of a group."""
    try:
        answer = rtnl.ask(_RTM_GETNEXTHOP, _NHMSG.pack(0, 0, 0, 0) + attribute(_NHA_ID, _U32.pack(number)))
    except OSError as error:
        if error.errno != errno.ENOENT:  # it was removed since the dump
            raise
        return []
    family, found = answer.body[0], answer.attributes(_NHMSG.size)
    if _NHA_GROUP in found:
        members = [one[0] for one in _GROUP_MEMBER.iter_unpack(found[_NHA_GROUP])]
        return [hop for one in members for hop in _object(rtnl, one)]
    if _NHA_GATEWAY not in found or _NHA_OIF not in found:
        return []
    address = _address(family, found[_NHA_GATEWAY])
    return [] if address is None else [(_u32(found[_NHA_OIF]), address)]


def _u32(raw: bytes) -> int:
    return int(_U32.unpack(raw)[0])
