# SPDX-License-Identifier: GPL-2.0-only
"""Lists the PCI functions that a Hyper-V host offers, one of which may be the VF of a synthetic NIC.

Each is a device on VMBus (HV_PCIE_GUID, include/linux/hyperv.h) for which pci-hyperv creates a PCI bus
(hv_pci_probe(), drivers/pci/controller/pci-hyperv.c). The function appears on it, and its driver creates the
interface.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from netvsc_bpf.discovery.nics import SYSFS
from netvsc_bpf.discovery.sysfs import driver_of
from netvsc_bpf.kernel.process.errnos import is_absent

_PCI_OVER_VMBUS = "44c4f61d-4444-4400-9d52-802e27ede19f"
_ETHERNET = 0x0200
"""Base class and sub-class (PCI Code and ID Assignment); InfiniBand's is 0x0207."""


@dataclass(frozen=True, slots=True)
class Function:
    """A PCI function that is an Ethernet controller."""

    address: str
    vendor: int
    device: int
    driver: str | None
    interfaces: tuple[str, ...] = ()
    """Its interfaces in this network namespace; sysfs hides those of others."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A device on VMBus that represents a PCI function."""

    device: str
    """The GUID of the instance, which is its name on VMBus."""
    driver: str | None
    functions: tuple[Function, ...]
    """Its Ethernet functions: none if it is something else, for example a disk, or has no driver."""


def offers(sysfs: Path = SYSFS) -> list[Offer]:
    """Return the offers of the host; none on other hypervisors. Raises OSError."""
    devices = _entries(sysfs / "bus" / "vmbus" / "devices")
    return [
        _offer(sysfs, device) for device in devices if _PCI_OVER_VMBUS in _text(device / "class_id").lower()
    ]


def _offer(sysfs: Path, device: Path) -> Offer:
    buses = (entry for entry in _entries(device) if entry.name.startswith("pci"))
    functions = tuple(one for bus in buses for one in _functions(sysfs, bus))
    return Offer(device.name, driver_of(sysfs, "vmbus", device.name), functions)


def _functions(sysfs: Path, bus: Path) -> Iterator[Function]:
    for entry in _entries(bus):
        kind = _number(entry / "class")
        if kind is not None and kind >> 8 == _ETHERNET:
            vendor, device = _number(entry / "vendor") or 0, _number(entry / "device") or 0
            driver = driver_of(sysfs, "pci", entry.name)
            interfaces = tuple(one.name for one in _entries(entry / "net"))
            yield Function(entry.name, vendor, device, driver, interfaces)


def _entries(folder: Path) -> list[Path]:
    """Return the entries of a folder; none if it is gone, which may happen at any time."""
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        if not is_absent(error):
            raise
        return []


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError as error:
        if not is_absent(error):
            raise
        return ""


def _number(file: Path) -> int | None:
    text = _text(file)
    return int(text, 16) if text else None
