# SPDX-License-Identifier: GPL-2.0-only
"""A true SR-IOV pair: virtio-net and a VF of QEMU's igb, whose driver is igbvf. Both are the guest's own."""

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.datapath.options import not_default
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.discovery.nics import list_nics
from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.abi import ControlCommand
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab import namespace
from netvsc_bpf.lab.syscalls import Mount, mount
from netvsc_bpf.manager.events.last_changes import last_changes
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import GuardMode
from netvsc_bpf.model.path import Path as DataPath
from netvsc_bpf.model.status import PairStatus
from tests.kernel.support.waiting import eventually
from tests.vm.devices import PEER_MAC, PF_MAC, SYNTHETIC_MAC

T = TypeVar("T")

GUEST, PEER = "guest", "peer"
"""Names of network namespaces: the guest's own first one, and the peer's."""
ADDRESS, PEER_ADDRESS = "10.98.0.1", "10.98.0.2"
SYNTHETIC = "syn0"
_NET = Path("/sys/class/net")


def ip(*args: str) -> str:
    """Run `ip` in the guest."""
    return subprocess.run(["ip", *args], check=True, text=True, capture_output=True).stdout


def tc(*args: str) -> str:
    """Run `tc` in the guest."""
    return subprocess.run(["tc", *args], check=True, text=True, capture_output=True).stdout


def nics() -> list[Nic]:
    """The interfaces of the guest as discovery sees them."""
    with Rtnetlink() as rtnl:
        return list_nics(rtnl)


def by_mac(mac: str, *, without: str | None = None) -> Nic | None:
    """The hardware interface with this MAC, but for the one whose driver is `without`."""
    found = (nic for nic in nics() if nic.mac == mac and nic.kind is None and nic.driver != without)
    return next(found, None)


@dataclass(frozen=True)
class DriverLoss:
    """Packets that are not ours to lose. No more of those lost are the driver's than it `sent` by the VF."""

    sent: int = 0
    lost: int = 0
    """Of all that was sent by the VF, by the driver or by steer."""


@dataclass
class SriovPair:
    """The synthetic NIC has an address and is up; the peer lives in a network namespace."""

    guest: ClassVar[str] = GUEST
    peer: ClassVar[str] = PEER
    pf: Path
    """The PCI device of the physical function."""
    pf_name: str
    mac: str = SYNTHETIC_MAC
    """What the VF gets: that of its partner."""

    @property
    def ingress_follows_carrier(self) -> bool:
        """Whether ingress moves by itself, with no manager, when the VF loses its carrier."""
        return True

    @property
    def vf(self) -> Nic | None:
        """The VF while it is plugged in, whatever it is called."""
        return by_mac(self.mac, without="virtio_net")

    def plug(self) -> Nic:
        """Have the host give us the VF. It gets its MAC before its driver looks at it."""
        (self.pf / "sriov_drivers_autoprobe").write_text("0")
        (self.pf / "sriov_numvfs").write_text("1")
        ip("link", "set", self.pf_name, "vf", "0", "mac", self.mac)
        address = (self.pf / "virtfn0").resolve().name
        self.prepare_vf(address)
        # Without autoprobe no driver may have a VF, not even by hand (pci_device_can_probe()).
        (self.pf / "sriov_drivers_autoprobe").write_text("1")
        Path("/sys/bus/pci/drivers_probe").write_text(address)
        eventually("there is a VF", lambda: self.vf is not None)
        vf = self.vf
        assert vf is not None and vf.driver == "igbvf"
        return vf

    def prepare_vf(self, address: str) -> None:
        """Do what the host does to a VF, by PCI address, before its driver probes it: here, nothing."""

    def unplug(self) -> None:
        """Have the host take the VF away, in use or not."""
        (self.pf / "sriov_numvfs").write_text("0")

    def carrier(self, on: bool) -> None:
        """Give the VF a link or take it away, as a host does that brings its physical function down.

        Pulling the wire out (QEMU's set_link) is no such thing: igbvf never hears of it.
        """
        ip("link", "set", self.pf_name, "up" if on else "down")

    def up(self, up: bool) -> None:
        """Bring the VF up or down."""
        vf = self.vf
        assert vf is not None
        ip("link", "set", vf.name, "up" if up else "down")

    def in_guest(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call a function where the pair is: here. (Labs have another place for that.)"""
        return function(*args, **kwargs)

    def attach(self, **options: object) -> PairStatus:
        """Attach with what `options` says. All of it counts as chosen, what is a default too."""
        asked = self.options(**options)
        return datapath.attach(SYNTHETIC, asked, given={*not_default(asked), *options}).status

    def options(self, **options: object) -> AttachOptions:
        """What to attach with. The hub gives every frame to both: guard drops one while the VF is used."""
        return AttachOptions(**{"guard": GuardMode.ALL, **options})  # type: ignore[arg-type]

    def use(self) -> None:
        """Attach, and wait for the VF to be the path: an emulated one takes its time to find its link."""
        self.attach()
        self.wait_for(DataPath.VF)

    def status(self) -> PairStatus:
        """What is attached."""
        (only,) = datapath.status(SYNTHETIC)
        return only

    def control(self, command: ControlCommand, argument: int = 0) -> None:
        """Run the control program on the pair, as the manager and the kernel's own hooks do."""
        with LoadedObject(NetnsPins(namespaces.current_inode())) as loaded:
            slot = find_pair_slot(loaded, socket.if_nametoindex(SYNTHETIC))
            assert slot is not None
            loaded.control(command, slot, argument)

    def left_at(self) -> int:
        """When the kernel left the VF last, in CLOCK_MONOTONIC ns; it has to be off the path now."""
        return self._changed_at(DataPath.SYNTHETIC)

    def taken_at(self) -> int:
        """When the kernel took the VF last, in CLOCK_MONOTONIC ns; it has to be the path now."""
        return self._changed_at(DataPath.VF)

    def _changed_at(self, to: DataPath) -> int:
        (last,) = last_changes(NetnsPins(namespaces.current_inode()))
        assert abi.PATHS[last.to] is to
        return last.at

    def lost_by_driver(self) -> DriverLoss:
        """Count what the synthetic NIC's own driver sent by the VF, and the VF lost, since attach."""
        return DriverLoss()

    def wait_for(self, path: DataPath) -> None:
        """Traffic makes the kernel look at the VF again."""

        def holds() -> bool:
            self.ping(check=False)
            return self.status().path is path

        eventually(f"the path is {path}", holds)

    def ping(
        self, address: str = PEER_ADDRESS, *, check: bool = True, count: int = 1, wait_s: int = 2
    ) -> bool:
        """Ask the peer, and say whether it answered."""
        argv = ["ping", "-n", "-c", str(count), "-i", "0.2", "-W", str(wait_s), address]
        ended = subprocess.run(argv, check=False, text=True, capture_output=True)
        assert not check or ended.returncode == 0, ended.stdout + ended.stderr
        return ended.returncode == 0

    def on_peer(self, *argv: str) -> str:
        """Run a command where the peer lives."""
        return namespace.run(PEER, argv).stdout

    def peer_name(self) -> str:
        """What the peer's NIC is called."""
        shown = json.loads(self.on_peer("ip", "-j", "link"))
        return next(link["ifname"] for link in shown if link.get("address") == PEER_MAC)


@contextmanager
def sriov_pair() -> Iterator[SriovPair]:
    """Set the pair up, without VF; at the end everything is detached and taken down again."""
    subprocess.run(["modprobe", "-a", "virtio_net", "igb", "igbvf", "e1000e", "8021q"], check=True)
    eventually(
        "there are the guest's NICs", lambda: None not in map(by_mac, (SYNTHETIC_MAC, PEER_MAC, PF_MAC))
    )
    synthetic, peer, pf = (by_mac(mac) for mac in (SYNTHETIC_MAC, PEER_MAC, PF_MAC))
    assert synthetic is not None and peer is not None and pf is not None
    pair = SriovPair((_NET / pf.name / "device").resolve(), pf.name)
    namespace.create(PEER)
    here = namespace.namespace_path(GUEST)
    here.touch()
    mount("/proc/thread-self/ns/net", str(here), None, Mount.BIND)
    try:
        ip("link", "set", synthetic.name, "name", SYNTHETIC)
        ip("addr", "add", f"{ADDRESS}/24", "dev", SYNTHETIC)
        ip("link", "set", SYNTHETIC, "up")
        ip("link", "set", pf.name, "up")
        subprocess.run(
            ["ip", "link", "set", peer.name, "netns", f"{namespace.namespace_path(PEER)}"], check=True
        )
        pair.on_peer("ip", "addr", "add", f"{PEER_ADDRESS}/24", "dev", pair.peer_name())
        pair.on_peer("ip", "link", "set", pair.peer_name(), "up")
        eventually("the peer answers", lambda: pair.ping(check=False))
        yield pair
    finally:
        datapath.detach_all()
        pair.carrier(True)
        pair.unplug()
        namespace.remove(GUEST)
        ip("addr", "flush", "dev", SYNTHETIC)
        ip("link", "set", SYNTHETIC, "down")
        namespace.remove(PEER)  # its NIC falls back to us
        eventually("the peer's NIC is back", lambda: by_mac(PEER_MAC) is not None)


@contextmanager
def silent(pair: SriovPair) -> Iterator[None]:
    """Keep the guest from sending anything by itself: no IPv6, and the peer knows its address."""
    disable = Path("/proc/sys/net/ipv6/conf", SYNTHETIC, "disable_ipv6")
    disable.write_text("1")
    entry = [ADDRESS, "lladdr", pair.mac, "nud", "permanent", "dev", pair.peer_name()]
    pair.on_peer("ip", "neigh", "replace", *entry)
    try:
        yield
    finally:
        disable.write_text("0")
