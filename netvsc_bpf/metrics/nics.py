# SPDX-License-Identifier: GPL-2.0-only
"""The interfaces in one RTM_GETLINK dump, without decoding what no metric needs.

discovery.nics also decodes what pairing needs, and reads sysfs each time; that takes twice as long, which for
64 pairs is a third of a scrape's time budget. Numbers: include/uapi/linux/if_link.h.
"""

import struct
from collections.abc import Callable

from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink, attribute, attributes
from netvsc_bpf.model import names
from netvsc_bpf.model.nic import Nic

_RTM_NEWLINK, _RTM_GETLINK = 16, 18
_IFINFOMSG = struct.Struct("=BxHiII")
_EXT_MASK, _SKIP_AF_STATS = 29, 8  # IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS: leaves IFLA_STATS64 in
_ADDRESS, _NAME, _MTU, _LINKINFO, _STATS64, _CARRIER, _PARENT, _BUS = 1, 3, 4, 18, 23, 33, 56, 57
_MASTER, _XDP = 10, 43
_WANTED = frozenset({_ADDRESS, _NAME, _MTU, _MASTER, _LINKINFO, _STATS64, _CARRIER, _XDP, _PARENT, _BUS})
_XDP_IDS = (4, 5, 6, 7)  # IFLA_XDP_PROG_ID, and those of driver, generic and hardware mode
_INFO_KIND = 1  # IFLA_INFO_KIND, the first attribute within IFLA_LINKINFO
_STATS = struct.Struct("=16Q")
"""struct rtnl_link_stats64: packets, bytes, errors, dropped, rx and tx each; the last is rx_missed_errors."""
_NO_STATS = bytes(_STATS.size)
_U32 = struct.Struct("=I")
_IFF_UP = 0x1
_NESTED = 0x3FFF  # all but NLA_F_NESTED and NLA_F_NET_BYTEORDER

Driver = Callable[[int, str, str], str | None]
"""The driver of an interface, by ifindex, and bus and name of its parent device."""


def dump_nics(rtnl: Rtnetlink, driver: Driver) -> list[Nic]:
    """Return every interface of the socket's network namespace. Raises OSError.

    MAC, MTU, flags, carrier, driver, master, XDP and counters are as in discovery.nics; fields that no metric
    needs have their defaults.
    """
    request = _IFINFOMSG.pack(0, 0, 0, 0, 0) + attribute(_EXT_MASK, _U32.pack(_SKIP_AF_STATS))
    answers = rtnl.dump(_RTM_GETLINK, request)
    return [nic_from_body(answer.body, driver) for answer in answers if answer.kind == _RTM_NEWLINK]


def nic_from_body(body: bytes, driver: Driver) -> Nic:
    """Decode what follows the header of one RTM_NEWLINK."""
    _, _, ifindex, flags, _ = _IFINFOMSG.unpack_from(body)
    found = _attributes(body, _IFINFOMSG.size)
    stats = _STATS.unpack_from(found.get(_STATS64, _NO_STATS))
    bus, parent, kind = _text(found.get(_BUS)), _text(found.get(_PARENT)), _kind(found.get(_LINKINFO))
    return Nic(
        ifindex=ifindex,
        name=_text(found[_NAME]) or "",
        mac=found.get(_ADDRESS, b"").hex(":"),
        mtu=_U32.unpack(found[_MTU])[0],
        up=bool(flags & _IFF_UP),
        carrier=found.get(_CARRIER) == b"\1",
        kind=kind,
        driver=(driver(ifindex, bus, parent) if bus and parent else None) or kind,
        bus=bus,
        parent=parent,
        master=_U32.unpack(found[_MASTER])[0] if _MASTER in found else None,
        xdp_prog_id=_xdp(found.get(_XDP, b"")),
        rx_packets=stats[0],
        rx_bytes=stats[2],
        rx_errors=stats[4],
        tx_errors=stats[5],
        tx_dropped=stats[7],
        rx_missed=stats[15],
    )


def _attributes(body: bytes, at: int) -> dict[int, bytes]:
    """Return the wanted attributes. Reads 16-bit words for speed: a link has fifty attributes."""
    words = memoryview(body).cast("H")
    found: dict[int, bytes] = {}
    place, end = at // 2, len(words) - 1
    while place < end:
        length = words[place]
        if length < 4:
            break
        kind = words[place + 1] & _NESTED
        if kind in _WANTED:
            found[kind] = body[2 * place + 4 : 2 * place + length]
        place += (length + 3) // 4 * 2
    return found


def _xdp(nested: bytes) -> int | None:
    if len(nested) <= 8:  # IFLA_XDP_ATTACHED only: no program
        return None
    inside = attributes(nested)
    ids = (inside[kind] for kind in _XDP_IDS if kind in inside)
    return next((number for (number,) in map(_U32.unpack, ids) if number), None)


def _kind(linkinfo: bytes | None) -> str | None:
    return None if linkinfo is None else _text(attributes(linkinfo).get(_INFO_KIND))


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else names.decode(raw)
