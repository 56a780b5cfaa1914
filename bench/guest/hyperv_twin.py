# SPDX-License-Identifier: GPL-2.0-only
"""The pair of the true hv_netvsc in a guest that is its own host, VMBus and virtual switch included.

The host gives every frame to one path, the one that the driver asked for last (Gate.STRICT), as Azure does.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from bench.guest.shell import sh
from bench.guest.twin import SYNTHETIC_NAME, Twin, lagging, rename
from bench.waiting import wait
from netvsc_bpf.planner.lost_link import FIRST_S
from tests.vm.devices import HYPERV_PF_MAC, VF_PORT_MAC
from tests.vm.hyperv.host import Gate, hyperv_host
from tests.vm.hyperv.pair import SERIAL, HypervPair, Shape, hyperv_pair
from tests.vm.sriov import ADDRESS, PEER_ADDRESS, SYNTHETIC, by_mac
from vm.qmp import Qmp

_HOT_SERIAL = 1000 + SERIAL
"""No slot of QEMU's own has that number; what ACPI or pciehp calls the hot one is no serial."""


class HypervTwin(Twin):
    """The same failures; beside what QEMU does, the host notifies its guest of the VF."""

    hot_slot: ClassVar[dict[str, str]] = {"bus": "hyperv-hot", "netdev": "hyperv-hot-wire"}
    shown_s: ClassVar[float] = FIRST_S - 0.5
    """Until shortly before the manager tries a VF again that it took down for its lost link."""

    sriov: HypervPair

    def plug(self) -> None:
        """Have the host give us a VF, associated with the synthetic NIC beforehand."""
        if self.hot:
            self.sriov.host.name_slot(f"0000:{self._hot_bus():02x}:00.0", str(_HOT_SERIAL))
            self.sriov.nic.associate(_HOT_SERIAL)
        super().plug()

    def _hot_bus(self) -> int:
        """Return the number of the bus that has nothing but the hot slot."""
        devices = (device for bus in self._qmp("query-pci") for device in bus["devices"])
        port = next(device for device in devices if device["qdev_id"] == self.hot_slot["bus"])
        return int(port["pci_bridge"]["bus"]["secondary"])

    def unplug(self) -> None:
        """Have the host take the VF away, and say so."""
        super().unplug()
        if self.hot:
            self.sriov.nic.associate(None)

    def answered(self) -> None:
        """Wait until the peer answers, and keep what both know of each other.

        Otherwise ARP would fail some seconds after ingress is lost, and egress be lost with it.
        """
        super().answered()
        sh(f"ip neigh change {PEER_ADDRESS} dev {SYNTHETIC_NAME} nud permanent")
        entry = (ADDRESS, "dev", self.sriov.peer_name(), "nud", "permanent")
        self.sriov.on_peer("ip", "neigh", "change", *entry)

    def used(self, patience_s: float = 30.0) -> bool:
        """Wait until the VF sends and its host delivers by it; say whether it came to that."""
        deadline = time.monotonic() + patience_s
        if not super().used(patience_s):
            return False
        try:
            left_s = max(0.0, deadline - time.monotonic())
            wait("the host delivers by the VF", lambda: self.sriov.nic.datapath == "vf", patience_s=left_s)
        except TimeoutError:
            return False
        return True


@contextmanager
def hyperv_twin() -> Iterator[HypervTwin]:
    """Set it up, the synthetic NIC by the name that arrangements.py has for it, the VF not plugged in."""
    subprocess.run(["modprobe", "-a", "virtio_net", "igb", "e1000e", "dummy"], check=True)
    _free_names()
    with hyperv_host() as host, hyperv_pair(host, Shape.ENSLAVED) as sriov, Qmp() as qmp:
        sriov.nic.gate(Gate.STRICT)
        rename(SYNTHETIC, SYNTHETIC_NAME)
        with lagging():
            yield HypervTwin(sriov, qmp)


def _free_names() -> None:
    """The kernel has called the host's own NICs eth0 and eth1."""
    for mac, name in ((VF_PORT_MAC, "port0"), (HYPERV_PF_MAC, "pf0")):
        nic = by_mac(mac)
        if nic is None:
            raise LookupError(f"there is no NIC with the MAC {mac}")
        rename(nic.name, name)
