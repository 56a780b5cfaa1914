# SPDX-License-Identifier: GPL-2.0-only
"""Reads the interfaces of the current network namespace with one RTM_GETLINK dump."""

import errno
import socket
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

from netvsc_bpf.discovery.lookup import no_such_nic
from netvsc_bpf.discovery.sysfs import driver_of, slot_address, slot_serials
from netvsc_bpf.kernel.net.rtnetlink import Message, Rtnetlink, attribute, attributes, each_attribute
from netvsc_bpf.model import names
from netvsc_bpf.model.errors import KernelError
from netvsc_bpf.model.nic import Nic

SYSFS = Path("/sys")

_RTM_GETLINK = 18
_IFINFOMSG = struct.Struct("=BxHiII")
_IFF_UP, _IFF_LOOPBACK = 0x1, 0x8
_IFNAMSIZ = 16
# include/uapi/linux/if_link.h
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINK, _IFLA_MASTER, _IFLA_LINKINFO = 1, 3, 4, 5, 10, 18
_IFLA_LINK_NETNSID = 37
_IFLA_STATS64, _IFLA_AF_SPEC, _IFLA_PROMISCUITY, _IFLA_CARRIER = 23, 26, 30, 33
_IFLA_GSO_MAX_SEGS, _IFLA_GSO_MAX_SIZE, _IFLA_XDP = 40, 41, 43
_IFLA_PROP_LIST, _IFLA_ALT_IFNAME, _IFLA_PERM_ADDRESS = 52, 53, 54
_IFLA_PARENT_DEV_NAME, _IFLA_PARENT_DEV_BUS_NAME, _IFLA_ALLMULTI = 56, 57, 61
_IFLA_INFO_KIND, _IFLA_INET6_CONF, _IFLA_INET6_ADDR_GEN_MODE = 1, 2, 8
# IFLA_XDP_{,DRV_,SKB_,HW_}PROG_ID: in multi mode (driver and generic together) the kernel omits the first
# (rtnl_xdp_fill()).
_XDP_IDS = (4, 5, 6, 7)
_STATS64 = struct.Struct("=16Q")
"""The beginning of struct rtnl_link_stats64, up to rx_missed_errors."""
_DISABLE_IPV6 = 26
"""DEVCONF_DISABLE_IPV6, include/uapi/linux/ipv6.h."""


class NicMemo:
    """Decodes messages of one namespace's interfaces, and reuses the result of unchanged messages.

    Decoding takes three times as long as the kernel's answer. An interface with a parent device is always
    decoded, because its driver, which is not in the message, may have changed.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, Nic]] = {}
        """By ifindex: a hash of the message (64 bits, valid in this process only), and the NIC."""

    def read(self, messages: Iterable[Message], sysfs: Path, *, some: bool = False) -> list[Nic]:
        """Return the NICs, as nics_from_messages() does. `some`: keep the entries of other interfaces."""
        serials = slot_serials(sysfs)
        nics, known = [], dict(self._known) if some else {}
        for message in messages:
            ifindex, key = _IFINFOMSG.unpack_from(message.body)[2], hash(message.body)
            before = self._known.get(ifindex)
            nic = before[1] if before is not None and before[0] == key else _read(message, sysfs, serials)
            nics.append(nic)
            if nic.parent is None:
                known[ifindex] = key, nic
            else:
                known.pop(ifindex, None)
        self._known = known
        return nics


def list_nics(rtnl: Rtnetlink, sysfs: Path = SYSFS, memo: NicMemo | None = None) -> list[Nic]:
    """Return every interface of the network namespace that ``rtnl`` was opened in, in the kernel's order.

    Raises KernelError if the dump fails, or is interrupted by changes at every attempt.
    """
    try:
        messages = rtnl.dump(_RTM_GETLINK, _IFINFOMSG.pack(0, 0, 0, 0, 0), whole=True)
    except InterruptedError as error:
        # An interface was added or removed during the dump, so one may be missing.
        raise KernelError(
            "cannot list interfaces", str(error.strerror), "try again", errno=error.errno
        ) from error
    except OSError as error:
        raise KernelError("cannot list interfaces", str(error.strerror), errno=error.errno) from error
    return nics_from_messages(messages, sysfs) if memo is None else memo.read(messages, sysfs)


def get_nic(rtnl: Rtnetlink, which: int | str, sysfs: Path = SYSFS) -> Nic:
    """Return the interface with this ifindex or name, with a single request.

    Raises NoSuchNic if there is none, KernelError if the request fails otherwise.
    """
    # The kernel searches all names for either attribute, which differ only in their maximum length
    # (rtnl_dev_get(), net/core/rtnetlink.c).
    index, name = (which, b"") if isinstance(which, int) else (0, _name_attribute(which))
    try:
        message = rtnl.ask(_RTM_GETLINK, _IFINFOMSG.pack(0, 0, index, 0, 0) + name)
    except OSError as error:
        if error.errno == errno.ENODEV:
            raise no_such_nic(which) from error
        raise KernelError(f"cannot read interface {which}", str(error.strerror), errno=error.errno) from error
    return nics_from_messages([message], sysfs)[0]


def some_nics(
    rtnl: Rtnetlink, which: Iterable[int], sysfs: Path = SYSFS, memo: NicMemo | None = None
) -> list[Nic]:
    """Return the existing ones of these interfaces (ifindexes), with one request each.

    Raises KernelError if a request fails.
    """
    messages = []
    for ifindex in which:
        try:
            messages.append(rtnl.ask(_RTM_GETLINK, _IFINFOMSG.pack(0, 0, ifindex, 0, 0)))
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise KernelError(
                    f"cannot read interface {ifindex}", str(error.strerror), errno=error.errno
                ) from error
    return nics_from_messages(messages, sysfs) if memo is None else memo.read(messages, sysfs, some=True)


def nics_from_messages(messages: Iterable[Message], sysfs: Path = SYSFS) -> list[Nic]:
    """Return the NICs that RTM_NEWLINK messages describe, with driver and slot serial from ``sysfs``."""
    serials = slot_serials(sysfs)
    return [_read(message, sysfs, serials) for message in messages]


def _read(message: Message, sysfs: Path, serials: Mapping[str, int]) -> Nic:
    found = message.attributes(_IFINFOMSG.size)
    bus, parent = _text(found.get(_IFLA_PARENT_DEV_BUS_NAME)), _text(found.get(_IFLA_PARENT_DEV_NAME))
    driver = driver_of(sysfs, bus, parent) if bus and parent else None
    serial = serials.get(slot_address(parent)) if bus == "pci" and parent else None
    return _nic(message.body, found, driver, serial)


def nic_from_message(message: Message, *, driver: str | None = None, serial: int | None = None) -> Nic:
    """Return the Nic that one RTM_NEWLINK describes. Pure.

    ``driver`` and ``serial`` come from sysfs; without a driver the link's kind is used instead.
    """
    return _nic(message.body, message.attributes(_IFINFOMSG.size), driver, serial)


def _nic(head: bytes, found: dict[int, bytes], driver: str | None, serial: int | None) -> Nic:
    _, link_type, ifindex, flags, _ = _IFINFOMSG.unpack_from(head)
    kind = _text(attributes(found.get(_IFLA_LINKINFO, b"")).get(_IFLA_INFO_KIND))
    inet6 = attributes(attributes(found.get(_IFLA_AF_SPEC, b"")).get(socket.AF_INET6, b""))
    stats = _STATS64.unpack_from(found.get(_IFLA_STATS64, bytes(_STATS64.size)))
    return Nic(
        ifindex=ifindex,
        name=_text(found[_IFLA_IFNAME]) or "",
        # Layer-3 devices (tun, wireguard) have no MAC.
        mac=found.get(_IFLA_ADDRESS, b"").hex(":"),
        mtu=_u32(found[_IFLA_MTU]),
        up=bool(flags & _IFF_UP),
        carrier=found.get(_IFLA_CARRIER) == b"\1",
        kind=kind,
        driver=driver or kind,
        bus=_text(found.get(_IFLA_PARENT_DEV_BUS_NAME)),
        parent=_text(found.get(_IFLA_PARENT_DEV_NAME)),
        altnames=_altnames(found.get(_IFLA_PROP_LIST, b"")),
        permanent_mac=found[_IFLA_PERM_ADDRESS].hex(":") if _IFLA_PERM_ADDRESS in found else None,
        serial=serial,
        link_type=link_type,
        loopback=bool(flags & _IFF_LOOPBACK),
        master=_u32(found[_IFLA_MASTER]) if _IFLA_MASTER in found else None,
        link=_u32(found[_IFLA_LINK]) if _IFLA_LINK in found and _IFLA_LINK_NETNSID not in found else None,
        promiscuity=_u32(found.get(_IFLA_PROMISCUITY, bytes(4))),
        allmulti=_u32(found.get(_IFLA_ALLMULTI, bytes(4))),
        gso_max_size=_u32(found[_IFLA_GSO_MAX_SIZE]),
        gso_max_segs=_u32(found[_IFLA_GSO_MAX_SEGS]),
        ipv6_disabled=_ipv6_disabled(inet6),
        addr_gen_mode=inet6[_IFLA_INET6_ADDR_GEN_MODE][0] if _IFLA_INET6_ADDR_GEN_MODE in inet6 else None,
        xdp_prog_id=_xdp_prog_id(attributes(found.get(_IFLA_XDP, b""))),
        rx_packets=stats[0],
        rx_bytes=stats[2],
        tx_dropped=stats[7],
        rx_errors=stats[4],
        tx_errors=stats[5],
        rx_missed=stats[15],
    )


def _ipv6_disabled(inet6: dict[int, bytes]) -> bool | None:
    conf = inet6.get(_IFLA_INET6_CONF)
    return None if conf is None else struct.unpack_from("=i", conf, 4 * _DISABLE_IPV6)[0] != 0


def _xdp_prog_id(xdp: dict[int, bytes]) -> int | None:
    return next((_u32(xdp[kind]) for kind in _XDP_IDS if kind in xdp and any(xdp[kind])), None)


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else names.decode(raw)


def _altnames(properties: bytes) -> tuple[str, ...]:
    if not properties:
        return ()
    return tuple(_text(raw) or "" for kind, raw in each_attribute(properties) if kind == _IFLA_ALT_IFNAME)


def _name_attribute(name: str) -> bytes:
    raw = names.encode(name) + b"\0"
    return attribute(_IFLA_IFNAME if len(raw) <= _IFNAMSIZ else _IFLA_ALT_IFNAME, raw)


def _u32(raw: bytes) -> int:
    return int(struct.unpack("=I", raw)[0])
