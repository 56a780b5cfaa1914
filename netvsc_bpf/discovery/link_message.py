# SPDX-License-Identifier: GPL-2.0-only
"""The decoder of RTM_NEWLINK: one interface as a Nic. Pure.

Discovery needs the settings in it; metrics do not, and leaving them out halves the time. Numbers:
include/uapi/linux/if_link.h.
"""

import socket
import struct
from dataclasses import dataclass
from typing import Any

from netvsc_bpf.kernel.net import link_info
from netvsc_bpf.kernel.net.rtnetlink import attributes, each_attribute
from netvsc_bpf.model import names
from netvsc_bpf.model.errors import KernelError
from netvsc_bpf.model.nic import Nic

RTM_NEWLINK, RTM_GETLINK = 16, 18
IFINFOMSG = struct.Struct("=BxHiII")
ALL_LINKS = IFINFOMSG.pack(0, 0, 0, 0, 0)
"""The body of RTM_GETLINK that asks for every interface."""
IFLA_IFNAME, IFLA_ALT_IFNAME = 3, 53
_IFF_UP, _IFF_LOOPBACK = 0x1, 0x8
_ADDRESS, _MTU, _LINK, _STATS, _MASTER, _LINKINFO, _STATS64, _AF_SPEC = 1, 4, 5, 7, 10, 18, 23, 26
_PROMISCUITY, _CARRIER, _LINK_NETNSID, _GSO_MAX_SEGS, _GSO_MAX_SIZE, _XDP = 30, 33, 37, 40, 41, 43
_PROP_LIST, _PERM_ADDRESS, _PARENT, _BUS, _ALLMULTI = 52, 54, 56, 57, 61
_INFO_KIND, _INET6_CONF, _INET6_ADDR_GEN_MODE = 1, 2, 8
_STATE = frozenset({_ADDRESS, IFLA_IFNAME, _MTU, _MASTER, _LINKINFO, _STATS64, _CARRIER, _XDP, _PARENT, _BUS})
_SETTINGS = frozenset(
    {_LINK, _LINK_NETNSID, _AF_SPEC, _PROMISCUITY, _ALLMULTI, _GSO_MAX_SEGS, _GSO_MAX_SIZE}
    | {_PROP_LIST, _PERM_ADDRESS}
)
_ALL = _STATE | _SETTINGS
# IFLA_XDP_{,DRV_,SKB_,HW_}PROG_ID: in multi mode (driver and generic together) the kernel leaves the first
# out (rtnl_xdp_fill()).
_XDP_IDS = (4, 5, 6, 7)
_XDP_ATTACHED, _XDP_ATTACHED_SKB = 2, 2  # IFLA_XDP_ATTACHED and one of its values
_STATS64_HEAD = struct.Struct("=16Q")
"""The head of struct rtnl_link_stats64, up to rx_missed_errors."""
_U32 = struct.Struct("=I")
_DISABLE_IPV6 = 26
"""DEVCONF_DISABLE_IPV6, include/uapi/linux/ipv6.h."""
_NESTED = 0x3FFF  # all but NLA_F_NESTED and NLA_F_NET_BYTEORDER


class NoCounters(KernelError):
    """The message has no IFLA_STATS64: its counters are unknown, which is not zero."""

    def __init__(self) -> None:
        super().__init__("cannot read interfaces", "the kernel sent no counters (IFLA_STATS64)")


class Link:
    """The attributes of one message, as far as they are wanted."""

    def __init__(self, body: bytes, *, settings: bool = True) -> None:
        """`body` is what follows the header of an RTM_NEWLINK. `settings`: decode what pairing needs too."""
        self._settings = settings
        _, self._type, self.ifindex, self._flags, _ = IFINFOMSG.unpack_from(body)
        self._found = _attributes(body, _ALL if settings else _STATE)
        self.bus, self.parent = _text(self._found.get(_BUS)), _text(self._found.get(_PARENT))

    def nic(self, driver: str | None = None, serial: int | None = None) -> Nic:
        """Return the interface; without a driver the link's kind takes its place. Raises NoCounters.

        `driver` and `serial` come from sysfs. Without settings their fields have their defaults.
        """
        if _STATS64 not in self._found:
            raise NoCounters
        return Nic(**self.fields(driver, serial), **counter_fields(self._found[_STATS64]))

    def fields(self, driver: str | None = None, serial: int | None = None) -> dict[str, Any]:
        """Return the fields of a Nic that are no counters."""
        found, kind = self._found, _kind(self._found.get(_LINKINFO))
        xdp_prog_id, xdp_generic = _xdp(found.get(_XDP, b""))
        return {
            "ifindex": self.ifindex,
            "name": _text(found[IFLA_IFNAME]) or "",
            # Layer-3 devices (tun, wireguard) have no address at all.
            "mac": found.get(_ADDRESS, b"").hex(":"),
            "mtu": _u32(found[_MTU]),
            "up": bool(self._flags & _IFF_UP),
            "carrier": found.get(_CARRIER) == b"\1",
            "kind": kind,
            "driver": driver or kind,
            "bus": self.bus,
            "parent": self.parent,
            "serial": serial,
            "link_type": self._type,
            "loopback": bool(self._flags & _IFF_LOOPBACK),
            "vlan_aware": kind == link_info.BRIDGE and _filters_by_vlan(found[_LINKINFO]),
            "master": _u32(found[_MASTER]) if _MASTER in found else None,
            "xdp_prog_id": xdp_prog_id,
            "xdp_generic": xdp_generic,
            **(_setting_fields(found) if self._settings else {}),
        }


@dataclass(frozen=True, slots=True)
class CountersPlace:
    """Where a message has its counters: IFLA_STATS64, which IFLA_STATS follows (rtnl_fill_stats())."""

    stats64: int
    begin: int
    end: int
    """All counters are in body[begin:end], and nothing else."""


def counters_place(body: bytes) -> CountersPlace:
    """Return where a message has its counters. Raises NoCounters."""
    found: dict[int, range] = {}
    place = IFINFOMSG.size
    for kind, value in each_attribute(body[place:]):
        begin = place + 4
        place = begin + (len(value) + 3) // 4 * 4
        if kind in (_STATS, _STATS64):
            found[kind] = range(begin, place)
    if _STATS64 not in found:
        raise NoCounters
    begins, ends = zip(*((one.start, one.stop) for one in found.values()), strict=True)
    return CountersPlace(found[_STATS64].start, min(begins), max(ends))


def counter_fields(body: bytes, stats64: int = 0) -> dict[str, Any]:
    """Return the fields of a Nic that are counters, from the struct rtnl_link_stats64 at `stats64`."""
    stats = _STATS64_HEAD.unpack_from(body, stats64)
    return {
        "rx_packets": stats[0],
        "rx_bytes": stats[2],
        "rx_errors": stats[4],
        "tx_errors": stats[5],
        "tx_dropped": stats[7],
        "rx_missed": stats[15],
    }


def _setting_fields(found: dict[int, bytes]) -> dict[str, Any]:
    inet6 = attributes(attributes(found.get(_AF_SPEC, b"")).get(socket.AF_INET6, b""))
    here = _LINK in found and _LINK_NETNSID not in found
    return {
        "altnames": _altnames(found.get(_PROP_LIST, b"")),
        "permanent_mac": found[_PERM_ADDRESS].hex(":") if _PERM_ADDRESS in found else None,
        "link": _u32(found[_LINK]) if here else None,
        "promiscuity": _u32(found.get(_PROMISCUITY, bytes(4))),
        "allmulti": _u32(found.get(_ALLMULTI, bytes(4))),
        "gso_max_size": _u32(found[_GSO_MAX_SIZE]),
        "gso_max_segs": _u32(found[_GSO_MAX_SEGS]),
        "ipv6_disabled": _ipv6_disabled(inet6),
        "addr_gen_mode": inet6[_INET6_ADDR_GEN_MODE][0] if _INET6_ADDR_GEN_MODE in inet6 else None,
    }


def _attributes(body: bytes, wanted: frozenset[int]) -> dict[int, bytes]:
    """Return the wanted attributes. Reads 16-bit words for speed: a link has fifty attributes."""
    words = memoryview(body).cast("H")
    found: dict[int, bytes] = {}
    place, end = IFINFOMSG.size // 2, len(words) - 1
    while place < end:
        length = words[place]
        if length < 4:
            break
        kind = words[place + 1] & _NESTED
        if kind in wanted:
            found[kind] = body[2 * place + 4 : 2 * place + length]
        place += (length + 3) // 4 * 2
    return found


def _ipv6_disabled(inet6: dict[int, bytes]) -> bool | None:
    conf = inet6.get(_INET6_CONF)
    return None if conf is None else struct.unpack_from("=i", conf, 4 * _DISABLE_IPV6)[0] != 0


def _xdp(nested: bytes) -> tuple[int | None, bool]:
    """Return the id of the program, and whether it is the generic mode's."""
    if len(nested) <= 8:  # IFLA_XDP_ATTACHED only: no program
        return None, False
    inside = attributes(nested)
    ids = (inside[kind] for kind in _XDP_IDS if kind in inside)
    generic = inside.get(_XDP_ATTACHED) == bytes([_XDP_ATTACHED_SKB])
    return next((number for number in map(_u32, ids) if number), None), generic


def _kind(linkinfo: bytes | None) -> str | None:
    return None if linkinfo is None else _text(attributes(linkinfo).get(_INFO_KIND))


def _filters_by_vlan(bridge: bytes) -> bool:
    return link_info.parse(attributes(bridge)).vlan_protocol is not None


def _altnames(properties: bytes) -> tuple[str, ...]:
    if not properties:
        return ()
    return tuple(_text(raw) or "" for kind, raw in each_attribute(properties) if kind == IFLA_ALT_IFNAME)


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else names.decode(raw)


def _u32(raw: bytes) -> int:
    return int(_U32.unpack(raw)[0])
