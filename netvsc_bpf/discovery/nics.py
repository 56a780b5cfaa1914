# SPDX-License-Identifier: GPL-2.0-only
"""Reads the interfaces of the current network namespace with one RTM_GETLINK dump."""

import errno
from collections.abc import Iterable, Mapping
from pathlib import Path

from netvsc_bpf.discovery.link_message import (
    ALL_LINKS,
    IFINFOMSG,
    IFLA_ALT_IFNAME,
    IFLA_IFNAME,
    RTM_GETLINK,
    Link,
)
from netvsc_bpf.discovery.lookup import no_such_nic
from netvsc_bpf.discovery.sysfs import driver_of, slot_address, slot_serials
from netvsc_bpf.kernel.net.rtnetlink import Message, Rtnetlink, attribute
from netvsc_bpf.model import names
from netvsc_bpf.model.errors import KernelError
from netvsc_bpf.model.nic import Nic

SYSFS = Path("/sys")

_IFNAMSIZ = 16


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
            ifindex, key = IFINFOMSG.unpack_from(message.body)[2], hash(message.body)
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
        messages = rtnl.dump(RTM_GETLINK, ALL_LINKS, whole=True)
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
        message = rtnl.ask(RTM_GETLINK, IFINFOMSG.pack(0, 0, index, 0, 0) + name)
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
            messages.append(rtnl.ask(RTM_GETLINK, IFINFOMSG.pack(0, 0, ifindex, 0, 0)))
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
    link = Link(message.body)
    bus, parent = link.bus, link.parent
    driver = driver_of(sysfs, bus, parent) if bus and parent else None
    serial = serials.get(slot_address(parent)) if bus == "pci" and parent else None
    return link.nic(driver, serial)


def _name_attribute(name: str) -> bytes:
    raw = names.encode(name) + b"\0"
    return attribute(IFLA_IFNAME if len(raw) <= _IFNAMSIZ else IFLA_ALT_IFNAME, raw)
