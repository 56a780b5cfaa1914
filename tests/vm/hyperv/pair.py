# SPDX-License-Identifier: GPL-2.0-only
"""A pair of the true hv_netvsc and a true VF, in the shapes that Azure and Hyper-V have."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.lab import namespace
from netvsc_bpf.lab.syscalls import Mount, mount
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.status import PairStatus
from tests.kernel.support.waiting import eventually
from tests.vm.devices import HYPERV_MAC, HYPERV_PF_MAC, SYNTHETIC_MAC, VF_PORT_MAC
from tests.vm.hyperv.host import Host, HostNic
from tests.vm.sriov import ADDRESS, GUEST, PEER, PEER_ADDRESS, SYNTHETIC, SriovPair, by_mac, ip

SERIAL = 7
_NET = Path("/sys/class/net")


class Shape(StrEnum):
    """Whether hv_netvsc takes the VF."""

    ENSLAVED = "enslaved"
    """The VF's slot is called by its serial, as pci-hyperv does: the driver enslaves it."""
    APART = "apart"
    """The driver finds no VF of that serial and MAC, so it leaves the VF alone."""


@dataclass
class HypervPair(SriovPair):
    """hv_netvsc is the synthetic NIC; the peer lives on the wire of the host's switch."""

    driver_loses: ClassVar[int] = 2
    """hv_netvsc sends by a VF as soon as its host has switched, and holds RTNL until then: linkwatch, which
    gives the VF its queueing discipline back, comes later, and what is sent meanwhile is dropped."""
    mac: str = HYPERV_MAC
    host: Host = field(kw_only=True)
    nic: HostNic = field(init=False)
    shape: Shape = field(kw_only=True)
    associated: bool = True
    """The host associates a VF before it is plugged in."""

    @property
    def vf(self) -> Nic | None:
        """The VF while it is plugged in, whatever it is called."""
        return by_mac(self.mac, without="hv_netvsc")

    def prepare_vf(self, address: str) -> None:
        """Name the VF's slot, and associate it: before it comes up, or the driver would wait for it."""
        enslaved = self.shape is Shape.ENSLAVED
        self.host.name_slot(address, str(SERIAL) if enslaved else "unpaired")
        self.nic.associate(SERIAL if enslaved and self.associated else None)

    def unplug(self) -> None:
        """Have the host take the VF away, and say so."""
        super().unplug()
        self.nic.associate(None)

    def offer(self, serial: int | None = None) -> None:
        """Have the host offer the NIC, associated with a VF or not, and give both ends their addresses."""
        self.nic = self.host.add(self.mac, serial)
        ip("link", "set", self.nic.wire, "netns", str(namespace.namespace_path(PEER)))
        self.on_peer("ip", "addr", "add", f"{PEER_ADDRESS}/24", "dev", self.nic.wire)
        self.on_peer("ip", "link", "set", self.nic.wire, "up")
        self.configure()

    def configure(self) -> None:
        """Name the synthetic NIC, which is new, give it its address and bring it up."""
        eventually("hv_netvsc has the NIC", lambda: self.nic.has_driver)
        if self.nic.name != SYNTHETIC:
            ip("link", "set", self.nic.name, "name", SYNTHETIC)
        ip("addr", "add", f"{ADDRESS}/24", "dev", SYNTHETIC)
        ip("link", "set", SYNTHETIC, "up")
        eventually("the peer answers", lambda: self.ping(check=False))

    def take_away(self) -> None:
        """Have the host rescind the NIC."""
        self.host.remove(self.nic)

    def attach(self, **options: object) -> PairStatus:
        """Attach. The host's switch gives each frame to one path, so no guard is asked for."""
        return datapath.attach(SYNTHETIC, AttachOptions(**options)).status  # type: ignore[arg-type]

    def wait_fabric_knows(self, announced: Callable[[], None]) -> None:
        """Wait until the host has switched, where its driver tells it; else as for any pair."""
        if self.shape is Shape.ENSLAVED:
            eventually("the host delivers by VMBus", lambda: self.nic.datapath == "synthetic")
        else:
            announced()

    def peer_name(self) -> str:
        """What the peer's NIC is called: it is the wire itself."""
        return self.nic.wire


@contextmanager
def hyperv_pair(host: Host, shape: Shape) -> Iterator[HypervPair]:
    """Set the pair up, without VF; at the end everything is detached and taken down again."""
    subprocess.run(["modprobe", "-a", "virtio_net", "igb", "igbvf", "e1000e", "8021q"], check=True)
    eventually(
        "there are the VF's port and the PF", lambda: None not in map(by_mac, (VF_PORT_MAC, HYPERV_PF_MAC))
    )
    port, pf = by_mac(VF_PORT_MAC), by_mac(HYPERV_PF_MAC)
    assert port is not None and pf is not None
    pair = HypervPair((_NET / pf.name / "device").resolve(), pf.name, host=host, shape=shape)
    namespace.create(PEER)
    here = namespace.namespace_path(GUEST)
    here.touch()
    mount("/proc/thread-self/ns/net", str(here), None, Mount.BIND)
    try:
        other = by_mac(SYNTHETIC_MAC)
        if other is not None and other.name == SYNTHETIC:  # that of the virtio pair, between its tests
            ip("link", "set", SYNTHETIC, "name", "virtio0")
        for name in (port.name, pf.name):
            ip("link", "set", name, "up")
        host.vf_port(port.name)
        pair.offer()
        yield pair
    finally:
        datapath.detach_all()
        pair.carrier(True)
        pair.unplug()
        host.vf_port("")
        pair.take_away()
        namespace.remove(GUEST)
        namespace.remove(PEER)
