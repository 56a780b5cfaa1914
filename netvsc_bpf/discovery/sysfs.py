# SPDX-License-Identifier: GPL-2.0-only
"""Reads the driver of a NIC and the serial of its PCI slot, which rtnetlink does not report.

Everything is read below /sys/bus, which lists all devices in any network namespace; /sys/class/net shows only
the interfaces of the namespace that sysfs was mounted in.
"""

from collections.abc import Mapping
from pathlib import Path

from netvsc_bpf.kernel.process.errnos import is_transient

_U32_MAX = 2**32 - 1


def driver_of(sysfs: Path, bus: str, device: str) -> str | None:
    """Return the name of the driver bound to ``device`` on ``bus``; None where none is bound.

    The arguments are IFLA_PARENT_DEV_BUS_NAME and IFLA_PARENT_DEV_NAME of an interface. Raises OSError for
    transient failures.
    """
    try:
        return (sysfs / "bus" / bus / "devices" / device / "driver").readlink().name
    except OSError as error:
        # Unbound, or unplugged since the dump: both mean "no driver".
        if is_transient(error):
            raise
        return None


def slot_serials(sysfs: Path) -> Mapping[str, int]:
    """Return the numbers of named PCI slots, by slot address like ``7c4b:00:02`` (domain:bus:device, hex).

    pci-hyperv names each slot by the serial that the host gives the VF (hv_pci_assign_slots()); hv_netvsc
    parses it with kstrtou32() in get_netvsc_byslot(), so only numeric names count here too. Hot-plug drivers
    of other hypervisors number their slots in the same way. Raises OSError for transient failures.
    """
    serials: dict[str, int] = {}
    try:
        slots = sorted((sysfs / "bus" / "pci" / "slots").iterdir())
    except OSError as error:
        if is_transient(error):
            raise
        return serials
    for slot in slots:
        serial = _slot_number(slot.name)
        if serial is None:
            continue
        try:
            address = (slot / "address").read_text(encoding="ascii").strip()
        except OSError as error:
            if is_transient(error):
                raise
            continue
        serials[address] = serial
    return serials


def slot_address(pci_address: str) -> str:
    """Return the slot of a PCI function as address_read_file() has it: ``7c4b:00:02`` of ``7c4b:00:02.0``."""
    return pci_address.rpartition(".")[0]


def _slot_number(name: str) -> int | None:
    # A second slot with a name that is taken becomes "1-1" (make_slot_name()), which is not a serial.
    if not (name.isascii() and name.isdigit()):
        return None
    number = int(name)
    return number if number <= _U32_MAX else None
