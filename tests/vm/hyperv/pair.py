# SPDX-License-Identifier: GPL-2.0-only
"""A pair of the true hv_netvsc and a true VF, in the shapes that Azure and Hyper-V have."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.kernel.net.ethtool_statistics import statistics
from netvsc_bpf.lab import namespace
from netvsc_bpf.lab.syscalls import Mount, mount
from netvsc_bpf.model.nic import Nic
from tests.kernel.support.waiting import eventually
from tests.vm.devices import HYPERV_MAC, HYPERV_PF_MAC, SYNTHETIC_MAC, VF_PORT_MAC
from tests.vm.hyperv.host import Host, HostNic
from tests.vm.sriov import (
    ADDRESS,
    GUEST,
    PEER,
    PEER_ADDRESS,
    SYNTHETIC,
    DriverLoss,
    SriovPair,
    by_mac,
    ip,
)

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

    mac: str = HYPERV_MAC
    host: Host = field(kw_only=True)
    nic: HostNic = field(init=False)
    shape: Shape = field(kw_only=True)
    associated: bool = True
    """The host associates a VF before it is plugged in."""

    @property
    def ingress_follows_carrier(self) -> bool:
        """hv_netvsc does not notify its host that the VF which it enslaved lost its carrier."""
        return self.shape is not Shape.ENSLAVED

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

    def options(self, **options: object) -> AttachOptions:
        """What to attach with. The host's switch gives each frame to one path, so no guard is asked for."""
        return AttachOptions(**options)  # type: ignore[arg-type]

    def lost_by_driver(self) -> DriverLoss:
        """Count what hv_netvsc sent by the VF, and what it and `steer` sent by it and its host did not get.

        The driver sends by a VF as soon as its host has switched, and holds RTNL until then. Linkwatch, which
        gives the VF its queueing discipline back, comes later: what the driver sends meanwhile is dropped,
        and counted as sent (noop_enqueue() answers NET_XMIT_CN). How long that takes is up to the load.
        """
        by_driver = statistics(SYNTHETIC)["vf_tx_packets"]
        return DriverLoss(by_driver, by_driver + self.status().tx.vf.packets - self.nic.count("tx_vf"))

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
