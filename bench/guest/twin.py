# SPDX-License-Identifier: GPL-2.0-only
"""A synthetic NIC and its VF in a guest that is its own host: the VF fails in every way that one can.

The VF is one of igb's (driver igbvf), or an e1000e in a hot-plug slot, which can do what QEMU's igb cannot:
be pulled out by itself, and hear that its wire was.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from bench.guest.shell import sh
from bench.waiting import wait
from netvsc_bpf.model.nic import Nic
from tests.vm.sriov import ADDRESS, PEER_ADDRESS, SYNTHETIC, SriovPair, sriov_pair
from vm.qmp import Qmp

SYNTHETIC_NAME, VF_NAME = "eth0", "vf0"
"""What arrangements.py calls the two."""
LAG_NAME = "lag0"
HOT_ID = "hot-nic"
_IFF_UP = 1
_BUSY_S, _BUSY_PACKETS = 0.05, 3
_NET = Path("/sys/class/net")


class Twin:
    """The pair; ``hot`` says which kind of VF it has."""

    hot_slot: ClassVar[dict[str, str]] = {"bus": "hot", "netdev": "hot-wire"}
    """Where QEMU plugs the hot one in."""
    shown_s: ClassVar[float] = 0.4
    """How long a lost carrier is looked at: four times what miimon=100 takes."""

    def __init__(self, sriov: SriovPair, qmp: Qmp) -> None:
        self.sriov = sriov
        self.hot = False
        self.renames = True
        """The VF is called `vf0`, as by a rule of udev's, before anybody uses it."""
        self._qmp = qmp
        self._vf: Nic | None = None

    @property
    def vf(self) -> Nic:
        """The VF as it was when it was named last. Raises LookupError where there was none."""
        if self._vf is None:
            raise LookupError("the VF is not there")
        return self._vf

    def plug(self) -> None:
        """Have the host give us a VF."""
        if self.hot:
            self._qmp("device_add", driver="e1000e", id=HOT_ID, mac=self.sriov.mac, **self.hot_slot)
        else:
            self.sriov.plug()
        self.named()

    def unplug(self) -> None:
        """Have the host take the VF away; returns before it is gone where that takes a while."""
        if self.hot:
            self._qmp("device_del", id=HOT_ID)
        else:
            self.sriov.unplug()

    def gone(self) -> bool:
        """Whether there is no VF."""
        return not (_NET / self.vf.name).exists()

    def is_up(self) -> bool:
        """Whether the VF is there and up."""
        try:
            return bool(int((_NET / self.vf.name / "flags").read_text(), 16) & _IFF_UP)
        except OSError:
            return False

    def up(self, up: bool) -> None:
        """Bring the VF up or down."""
        sh(f"ip link set {self.vf.name} {'up' if up else 'down'}")

    def bound(self, bound: bool) -> None:
        """Bind the VF's driver to it, or take it off."""
        driver = Path("/sys/bus/pci/drivers/igbvf")
        (driver / ("bind" if bound else "unbind")).write_text((self.sriov.pf / "virtfn0").resolve().name)
        if bound:
            self.named()

    def link(self, on: bool) -> None:
        """Give the VF its link or take it: igb's PF goes down, or the wire of the hot one is pulled."""
        if self.hot:
            self._qmp("set_link", name=HOT_ID, up=on)
        else:
            self.sriov.carrier(on)

    def earlier_link_event(self) -> None:
        """Let another device lose and find its carrier: the kernel's next link events wait up to 1 s.

        linkwatch batches what is not urgent (net/core/link_watch.c), over all devices.
        """
        sh(f"ip link set {LAG_NAME} carrier off", f"ip link set {LAG_NAME} carrier on")

    def carrier(self) -> bool:
        """Whether the VF is up and has a link."""
        try:
            return (_NET / self.vf.name / "carrier").read_text().strip() == "1"
        except OSError:  # it is down, or not there
            return False

    def used(self, patience_s: float = 30.0) -> bool:
        """Wait until the VF has link and sends; say whether it came to that. Needs traffic."""
        try:
            wait("the VF is used", lambda: self.carrier() and self._sends(), patience_s=patience_s)
        except TimeoutError:
            return False
        return True

    def _sends(self) -> bool:
        file = _NET / self.vf.name / "statistics/tx_packets"
        before = int(file.read_text())
        time.sleep(_BUSY_S)
        return int(file.read_text()) >= before + _BUSY_PACKETS

    def named(self) -> None:
        """Wait for the VF that was just plugged in, and name it if that is wanted."""
        wait("there is a VF", lambda: self.sriov.vf is not None)
        self._vf = self.sriov.vf
        if self.renames:
            sh(f"ip link set {self.vf.name} name {VF_NAME}")
            self._vf = replace(self.vf, name=VF_NAME)

    def address(self, device: str) -> None:
        """Give the pair's address to the device that an arrangement hands out; the peer finds it anew."""
        sh(f"ip addr flush dev {SYNTHETIC_NAME}", f"ip addr replace {ADDRESS}/24 dev {device}")
        self.sriov.on_peer("ip", "neigh", "flush", "all")

    def answered(self) -> None:
        """Wait until the peer answers."""
        wait("the peer answers", lambda: self.sriov.ping(PEER_ADDRESS, check=False, wait_s=1))


@contextmanager
def twin() -> Iterator[Twin]:
    """Set it up under the names of arrangements.py, the VF not plugged in."""
    subprocess.run(["modprobe", "-a", "dummy", "e1000e", "net_failover"], check=True)
    with sriov_pair() as sriov, Qmp() as qmp:
        rename(SYNTHETIC, SYNTHETIC_NAME)
        try:
            with lagging():
                yield Twin(sriov, qmp)
        finally:
            rename(SYNTHETIC_NAME, SYNTHETIC)


@contextmanager
def lagging() -> Iterator[None]:
    """Have the device of ``earlier_link_event``."""
    sh(f"ip link add {LAG_NAME} type dummy", f"ip link set {LAG_NAME} up")
    try:
        yield
    finally:
        sh(f"ip link del {LAG_NAME}")


def rename(old: str, new: str) -> None:
    """Give a device another name, which takes it down before Linux 6.2."""
    sh(f"ip link set {old} down", f"ip link set {old} name {new}", f"ip link set {new} up")
