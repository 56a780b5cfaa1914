# SPDX-License-Identifier: GPL-2.0-only
"""Reads interfaces and their addresses, as far as announcing and checking pairs need them."""

import errno
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from netvsc_bpf.kernel.net import link_info
from netvsc_bpf.kernel.net.link_info import LinkInfo
from netvsc_bpf.kernel.net.rtnetlink import Message, Rtnetlink, attribute, attributes
from netvsc_bpf.model import names

_RTM_GETLINK, _RTM_GETADDR = 18, 22
_IFINFOMSG = struct.Struct("=BxHiII")
_IFADDRMSG = struct.Struct("=BBBBI")
_IFF_UP, _IFF_LOOPBACK, _IFF_NOARP = 0x1, 0x8, 0x80
_ARPHRD_ETHER = 1
# include/uapi/linux/if_link.h
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_LINK, _IFLA_MASTER, _IFLA_LINKINFO, _IFLA_AF_SPEC = 1, 3, 5, 10, 18, 26
_IFLA_EXT_MASK, _IFLA_CARRIER, _IFLA_LINK_NETNSID, _IFLA_PROTO_DOWN = 29, 33, 37, 39
_IFLA_PARENT_DEV_NAME, _IFLA_PARENT_DEV_BUS_NAME = 56, 57
_IFLA_INET6_CONF = 2
_SKIP_STATS = 1 << 3  # RTEXT_FILTER_SKIP_STATS
# include/uapi/linux/if_addr.h
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_UNUSABLE = 0x04 | 0x08 | 0x40
"""IFA_F_OPTIMISTIC, IFA_F_DADFAILED, IFA_F_TENTATIVE.

RFC 4429, section 3.3: an optimistic address must not override what neighbours have.
"""
_RT_SCOPE_HOST = 254
_FEW = 64
"""The maximum number of interfaces that are read one by one."""
_STACKED = {link_info.VLAN, link_info.MACVLAN}


@dataclass(frozen=True, slots=True)
class Link:
    """The properties of an interface that announcing needs."""

    ifindex: int
    name: str
    mac: bytes
    up: bool
    uses_arp: bool
    """An Ethernet device with address resolution: no IFF_NOARP, no loopback."""
    carrier: bool
    on: int | None = None
    """The ifindex of its lower device, if it is a VLAN or macvlan and that is in this namespace."""
    master: int | None = None
    router: bool = False
    """net.ipv6.conf.<name>.forwarding."""
    parent: tuple[str, str] | None = None
    """Bus and device, as in sysfs."""
    info: LinkInfo = field(default_factory=LinkInfo)
    proto_down: bool = False
    """Something switched it off by IFLA_PROTO_DOWN, as a VRRP daemon does with a backup's interface."""


def links(rtnl: Rtnetlink, known: dict[bytes, Link] | None = None) -> dict[int, Link]:
    """Return the interfaces of this thread's network namespace, by ifindex. Raises OSError.

    `known` is a cache for repeated calls: unchanged messages are not decoded again.
    """
    before, now = known or {}, {}
    for message in rtnl.dump(_RTM_GETLINK, _request(0)):
        now[message.body] = before.get(message.body) or parse_link(message)
    if known is not None:
        known.clear()
        known.update(now)
    return {link.ifindex: link for link in now.values()}


def _request(ifindex: int) -> bytes:
    skip_stats = attribute(_IFLA_EXT_MASK, struct.pack("=I", _SKIP_STATS))
    return _IFINFOMSG.pack(0, 0, ifindex, 0, 0) + skip_stats


class SomeLinks(Mapping[int, Link]):
    """The interfaces of this thread's network namespace, each read on demand.

    For a few out of a thousand interfaces that takes a hundredth of a dump. Iterating takes a dump.
    """

    def __init__(self, rtnl: Rtnetlink) -> None:
        self._rtnl = rtnl
        self._known: dict[int, Link | None] = {}

    def __getitem__(self, ifindex: int) -> Link:
        """Raises KeyError if there is no such interface, OSError."""
        if ifindex not in self._known:
            self._known[ifindex] = self._asked(ifindex)
        link = self._known[ifindex]
        if link is None:
            raise KeyError(ifindex)
        return link

    def __iter__(self) -> Iterator[int]:
        return iter(links(self._rtnl))

    def __len__(self) -> int:
        return len(links(self._rtnl))

    def _asked(self, ifindex: int) -> Link | None:
        if ifindex <= 0:
            return None
        try:
            return parse_link(self._rtnl.ask(_RTM_GETLINK, _request(ifindex)))
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise
            return None


def links_among(
    rtnl: Rtnetlink, wanted: frozenset[int] | None, known: dict[bytes, Link] | None = None
) -> dict[int, Link]:
    """Return at least the existing ones of these interfaces (ifindexes); None: all. Raises OSError."""
    if wanted is None or len(wanted) > _FEW:
        return links(rtnl, known)
    some = SomeLinks(rtnl)
    return {ifindex: some[ifindex] for ifindex in wanted if ifindex in some}


def some_links(rtnl: Rtnetlink, wanted: int) -> Mapping[int, Link]:
    """Return a mapping for reading `wanted` interfaces: on demand, or if they are many, by one dump."""
    return SomeLinks(rtnl) if wanted <= _FEW else links(rtnl)


def parse_link(message: Message) -> Link:
    """Parse one RTM_NEWLINK. Pure."""
    _, kind, ifindex, flags, _ = _IFINFOMSG.unpack_from(message.body)
    found = message.attributes(_IFINFOMSG.size)
    mac = found.get(_IFLA_ADDRESS, b"")
    info = link_info.parse(attributes(found.get(_IFLA_LINKINFO, b"")))
    stacked = info.kind in _STACKED and _IFLA_LINK_NETNSID not in found
    bus, device = found.get(_IFLA_PARENT_DEV_BUS_NAME), found.get(_IFLA_PARENT_DEV_NAME)
    return Link(
        ifindex,
        names.decode(found[_IFLA_IFNAME]),
        mac,
        up=bool(flags & _IFF_UP),
        uses_arp=kind == _ARPHRD_ETHER and len(mac) == 6 and not flags & (_IFF_LOOPBACK | _IFF_NOARP),
        carrier=found.get(_IFLA_CARRIER) == b"\1",
        on=_u32(found[_IFLA_LINK]) if stacked and _IFLA_LINK in found else None,
        master=_u32(found[_IFLA_MASTER]) if _IFLA_MASTER in found else None,
        router=_forwarding(found.get(_IFLA_AF_SPEC, b"")),
        parent=(names.decode(bus), names.decode(device)) if bus and device else None,
        info=info,
        proto_down=found.get(_IFLA_PROTO_DOWN) == b"\1",
    )


def addresses(
    rtnl: Rtnetlink, wanted: frozenset[int] | None = None
) -> dict[int, list[IPv4Address | IPv6Address]]:
    """Return at least the usable addresses of these interfaces (ifindexes), by ifindex; None: of all.

    Raises OSError.
    """
    found: dict[int, list[IPv4Address | IPv6Address]] = {}
    for message in _address_messages(rtnl, wanted):
        parsed = parse_address(message)
        if parsed is not None:
            found.setdefault(parsed[0], []).append(parsed[1])
    return found


def _address_messages(rtnl: Rtnetlink, wanted: frozenset[int] | None) -> Iterator[Message]:
    if wanted is None or len(wanted) > _FEW:
        yield from rtnl.dump(_RTM_GETADDR, _IFADDRMSG.pack(0, 0, 0, 0, 0))
        return
    for ifindex in sorted(wanted):
        try:
            answers = rtnl.dump(_RTM_GETADDR, _IFADDRMSG.pack(0, 0, 0, 0, ifindex))
        except OSError as error:
            if error.errno != errno.ENODEV:  # it is gone
                raise
            continue
        # Before Linux 5.0 the kernel ignores the filter.
        yield from (one for one in answers if _IFADDRMSG.unpack_from(one.body)[4] == ifindex)


def parse_address(message: Message) -> tuple[int, IPv4Address | IPv6Address] | None:
    """Parse one RTM_NEWADDR; None for an address that must not be announced. Pure."""
    family, _, flags, scope, ifindex = _IFADDRMSG.unpack_from(message.body)
    found = message.attributes(_IFADDRMSG.size)
    raw = found.get(_IFA_LOCAL) or found.get(_IFA_ADDRESS)  # IFA_ADDRESS is the far end of a point-to-point
    if raw is None or scope == _RT_SCOPE_HOST:
        return None
    if family == socket.AF_INET:
        return ifindex, IPv4Address(raw)
    if family != socket.AF_INET6 or (_u32(found[_IFA_FLAGS]) if _IFA_FLAGS in found else flags) & _UNUSABLE:
        return None
    return ifindex, IPv6Address(raw)


def _forwarding(af_spec: bytes) -> bool:
    """Return DEVCONF_FORWARDING, the first of IFLA_INET6_CONF (include/uapi/linux/ipv6.h)."""
    inet6 = attributes(attributes(af_spec).get(socket.AF_INET6, b""))
    conf = inet6.get(_IFLA_INET6_CONF, b"")
    return len(conf) >= 4 and struct.unpack_from("=i", conf)[0] != 0


def _u32(raw: bytes) -> int:
    return int(struct.unpack("=I", raw)[0])
