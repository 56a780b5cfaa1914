# SPDX-License-Identifier: GPL-2.0-only
"""The Hyper-V host's side of a guest: adds NICs, associates VFs, switches links, counts (module/sysfs.c)."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.vm.hyperv.build import DRIVER

_ROOT = Path("/sys/devices/hyperv_host")
_BUS = Path("/sys/bus/vmbus/devices")


class Gate(StrEnum):
    """Which path delivers ingress (enum gate in module/host.h)."""

    STRICT = "strict"
    SPLIT = "split"
    LENIENT = "lenient"


@dataclass(frozen=True)
class HostNic:
    """One NIC that the host offers."""

    folder: Path
    """Its device on the VMBus."""
    index: int

    @property
    def name(self) -> str:
        """What the guest calls it now."""
        return next((self.folder / "net").iterdir()).name

    @property
    def has_driver(self) -> bool:
        """hv_netvsc has made a network device of it."""
        return any((self.folder / "net").glob("*"))

    @property
    def wire(self) -> str:
        """The network device that is its other end."""
        return self._line("wire")

    @property
    def datapath(self) -> str:
        """`vf` or `synthetic`: what the guest asked for last and the host has switched to."""
        return (self.folder / "host/datapath").read_text().split()[0]

    def count(self, counter: str) -> int:
        """Return a counter (enum counter in module/host.h)."""
        return int(self._line(counter))

    def associate(self, serial: int | None) -> None:
        """Announce a VF with this serial to the guest, or that there is none."""
        (self.folder / "host/vf").write_text("0" if serial is None else f"1 {serial}")

    def link(self, state: str) -> None:
        """Report `up`, `down` or `change` of the synthetic link."""
        (self.folder / "host/link").write_text(state)

    def gate(self, gate: Gate) -> None:
        """Choose how ingress reaches the guest."""
        (self.folder / "host/gate").write_text(gate)

    def _line(self, name: str) -> str:
        lines = (line.split() for line in (self.folder / "host/stats").read_text().splitlines())
        return next(value for key, value in lines if key == name)


@dataclass
class Host:
    """The host itself."""

    added: int = 0

    def add(self, mac: str, serial: int | None = None) -> HostNic:
        """Offer a NIC, with the association of a VF of that serial; hv_netvsc takes it soon.

        A VF that is up and not associated would have the driver wait for that, with RTNL held
        (netvsc_vf_changed()).
        """
        before = set(_BUS.iterdir())
        (_ROOT / "add").write_text(mac if serial is None else f"{mac} {serial}")
        (folder,) = set(_BUS.iterdir()) - before
        self.added += 1
        return HostNic(folder, self.added - 1)

    def remove(self, nic: HostNic) -> None:
        """Rescind the NIC's channels: it is gone."""
        (_ROOT / "remove").write_text(str(nic.index))

    def vf_port(self, name: str) -> None:
        """Make this device the port of the switch behind which VFs are; an empty name: none."""
        (_ROOT / "vf_port").write_text(name or "\n")

    def name_slot(self, pci: str, name: str) -> None:
        """Name the PCI slot of a VF: by its serial it is enslaved, by anything else it is not."""
        (_ROOT / "slot").write_text(f"{pci} {name}")

    def set(self, parameter: str, value: int) -> None:
        """Set a module parameter: switch_ms, delay_us, queues."""
        (Path("/sys/module") / _module().stem / "parameters" / parameter).write_text(str(value))


@contextmanager
def hyperv_host() -> Iterator[Host]:
    """Load the host and the driver, and unload both: the first test of a session waits for it."""
    subprocess.run(["insmod", _module()], check=True)
    try:
        load_driver()
        yield Host()
    finally:
        unload_driver()
        subprocess.run(["rmmod", _module().stem], check=True)


def load_driver() -> None:
    """Load hv_netvsc: Debian's file, or the copy that was made for this kernel (build.py)."""
    copy = _module().with_name(f"{DRIVER}.ko")
    subprocess.run(["insmod", copy] if copy.exists() else ["modprobe", DRIVER], check=True)


def unload_driver() -> None:
    """Unload hv_netvsc, with its NICs in use or not."""
    subprocess.run(["rmmod", DRIVER], check=True)


def _module() -> Path:
    return Path(os.environ["NETVSC_BPF_GUEST_HYPERV"])
