# SPDX-License-Identifier: GPL-2.0-only
"""As many NICs as a large VM of Azure has, each offered by hv_netvsc's host, some with a VF.

The VFs of the physical function (igb makes seven) sit in two PCI slots: the driver enslaves those of the
first, whose name is their serial, and leaves those of the second. One NIC has a VF of another make, e1000e,
that comes and goes by PCI hot-plug.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from netvsc_bpf import datapath
from netvsc_bpf.lab import namespace
from netvsc_bpf.lab.syscalls import Mount, mount
from netvsc_bpf.model.nic import Nic
from tests.kernel.support.waiting import eventually
from tests.vm.devices import HYPERV_PF_MAC, VF_PORT_MAC
from tests.vm.hyperv.host import Host, HostNic
from tests.vm.sriov import GUEST, PEER, by_mac, ip
from vm.qmp import Qmp

T = TypeVar("T")

NICS = range(15)
ENSLAVED, APART, HOT = range(4), range(4, 7), 7
"""NICs that have a VF, and of which kind; those after have none."""
_SERIAL, _HOT_SERIAL = 107, 108
_HOT_BUS, _HOT_ID = "hyperv-hot", "hyperv-hot-vf"
_SYSFS = Path("/sys")


def name(number: int) -> str:
    """What the guest calls a synthetic NIC."""
    return f"nv{number}"


def mac(number: int) -> str:
    return f"00:15:5d:0c:00:{number:02x}"


def address(number: int, *, peer: bool = False) -> str:
    """Each NIC has a subnet of its own, and so has the peer on its wire."""
    return f"10.99.{number}.{2 if peer else 1}"


def _batch(*commands: str) -> None:
    """Run many commands of `ip`, which an emulated processor takes long to start."""
    lines = "".join(f"{command}\n" for command in commands)
    subprocess.run(["ip", "-batch", "-"], input=lines, check=True, text=True, capture_output=True)


@dataclass
class ManyNics:
    """The NICs, all up with their addresses; the peer, on every wire, lives in a network namespace."""

    guest: ClassVar[str] = GUEST
    host: Host
    monitor: Qmp
    pf: Path
    """The PCI device of the physical function."""
    pf_name: str
    nics: list[HostNic] = field(default_factory=list)

    def in_guest(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call a function where the NICs are: here."""
        return function(*args, **kwargs)

    def vf(self, number: int) -> Nic | None:
        """The VF of a NIC while it has one."""
        return by_mac(mac(number), without="hv_netvsc")

    def all_answered(self) -> bool:
        """Ask the peer on every wire, and say whether it answered each time."""
        pings = [["ping", "-n", "-c", "1", "-W", "5", address(number, peer=True)] for number in NICS]
        return all(subprocess.run(ping, check=False, capture_output=True).returncode == 0 for ping in pings)

    def offer(self) -> None:
        """Have the host offer all NICs, those that are to be enslaved to associated with their VF."""
        serials = dict.fromkeys(ENSLAVED, _SERIAL) | {HOT: _HOT_SERIAL}
        self.nics = [self.host.add(mac(number), serials.get(number)) for number in NICS]
        eventually("hv_netvsc has all NICs", lambda: all(nic.has_driver for nic in self.nics))
        there = namespace.namespace_path(PEER)
        _batch(
            *(f"link set {nic.name} name {name(number)}" for number, nic in enumerate(self.nics)),
            *(f"addr add {address(number)}/24 dev {name(number)}" for number in NICS),
            *(f"link set {name(number)} up" for number in NICS),
            *(f"link set {nic.wire} netns {there}" for nic in self.nics),
        )
        wires = [nic.wire for nic in self.nics]
        namespace.call_in(
            PEER,
            _batch,
            *(f"addr add {address(number, peer=True)}/24 dev {wire}" for number, wire in enumerate(wires)),
            *(f"link set {wire} up" for wire in wires),
        )

    def plug_functions(self) -> None:
        """Have the host give us the VFs of its physical function."""
        numbers = [*ENSLAVED, *APART]
        (self.pf / "sriov_drivers_autoprobe").write_text("0")
        (self.pf / "sriov_numvfs").write_text(str(len(numbers)))
        _batch(*(f"link set {self.pf_name} vf {vf} mac {mac(one)}" for vf, one in enumerate(numbers)))
        functions = [(self.pf / f"virtfn{vf}").resolve().name for vf, _ in enumerate(numbers)]
        first, second = functions[0], functions[len(ENSLAVED)]
        self.host.name_slot(first, str(_SERIAL))
        # A slot keeps its name when its VFs are gone, and no two may have the same: not what pair.py uses.
        self.host.name_slot(second, "second")
        (self.pf / "sriov_drivers_autoprobe").write_text("1")
        for function in functions:
            (_SYSFS / "bus/pci/drivers_probe").write_text(function)
        eventually("there are the VFs", lambda: all(self.vf(one) for one in numbers))

    def plug_hot(self) -> None:
        """Plug the VF of NIC `HOT` in. Its slot is named before: its driver looks at it at once."""
        self.host.name_slot(self._hot_address, str(_HOT_SERIAL))
        where = {"bus": _HOT_BUS, "netdev": "hyperv-hot-wire", "mac": mac(HOT)}
        self.monitor("device_add", driver="e1000e", id=_HOT_ID, **where)
        eventually("there is its NIC", lambda: self.vf(HOT) is not None)

    @cached_property
    def _hot_address(self) -> str:
        """Where what is plugged into the hot-pluggable slot appears."""
        devices = [device for bus in self.monitor("query-pci") for device in bus["devices"]]
        (port,) = (device for device in devices if device["qdev_id"] == _HOT_BUS)
        return f"0000:{port['pci_bridge']['bus']['secondary']:02x}:00.0"

    def unplug_hot(self) -> None:
        """Have the guest give it back, which takes its time."""
        self.monitor("device_del", id=_HOT_ID)
        eventually("the NIC is gone", lambda: self.vf(HOT) is None)

    def take_away(self) -> None:
        """Have the host take all back: VFs first."""
        if self.vf(HOT) is not None:
            self.unplug_hot()
        (self.pf / "sriov_numvfs").write_text("0")
        for nic in self.nics:
            self.host.remove(nic)


@contextmanager
def many_nics(host: Host, monitor: Qmp) -> Iterator[ManyNics]:
    """Set the NICs up, of two channels each, without VFs; then all are detached and taken away again."""
    subprocess.run(["modprobe", "-a", "virtio_net", "igb", "igbvf", "e1000e"], check=True)
    eventually(
        "there are the VFs' port and the PF", lambda: None not in map(by_mac, (VF_PORT_MAC, HYPERV_PF_MAC))
    )
    port, pf = by_mac(VF_PORT_MAC), by_mac(HYPERV_PF_MAC)
    assert port is not None and pf is not None
    many = ManyNics(host, monitor, (_SYSFS / "class/net" / pf.name / "device").resolve(), pf.name)
    namespace.create(PEER)
    here = namespace.namespace_path(GUEST)
    here.touch()
    mount("/proc/thread-self/ns/net", str(here), None, Mount.BIND)
    # All wires lead to one switch: a broadcast for one VF reaches the others, which shall not answer for it.
    arp_ignore = Path("/proc/sys/net/ipv4/conf/all/arp_ignore")
    arp_ignore.write_text("1")
    try:
        for one in (port.name, pf.name):
            ip("link", "set", one, "up")
        host.vf_port(port.name)
        host.set("queues", 2)
        many.offer()
        yield many
    finally:
        datapath.detach_all()
        many.take_away()
        host.vf_port("")
        host.set("queues", 1)
        arp_ignore.write_text("0")
        namespace.remove(GUEST)
        namespace.remove(PEER)
