# SPDX-License-Identifier: GPL-2.0-only
"""A fourth network namespace beside those of a lab: what a container runtime would move a NIC into."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, TypeVar

from netvsc_bpf import datapath
from netvsc_bpf.discovery.nics import list_nics
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab import namespace
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpPlan
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Path, Reason
from netvsc_bpf.model.status import PairStatus
from tests.kernel.support.waiting import eventually

T = TypeVar("T")
_numbers = count()


class Pod:
    """The namespace, by name."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name
        self.pins = NetnsPins(self.inside(namespaces.current_inode))

    def inside(self, function: Callable[..., T], *args: Any) -> T:
        return namespace.call_in(self.name, function, *args)

    def ip(self, *args: str) -> None:
        self.lab.run(self.name, ["ip", *args])

    def nic(self, name: str) -> Nic | None:
        def look() -> list[Nic]:
            with Rtnetlink() as rtnl:
                return list_nics(rtnl)

        return next((one for one in self.inside(look) if one.name == name), None)

    def take(self, interface: str = "eth0", name: str = "eth0", *, source: str | None = None) -> None:
        """Move a synthetic NIC in and bring it up with the addresses of the pair, as a runtime does."""
        command = ["ip", "link", "set", interface, "netns", self.name, "name", name]
        self.lab.run(source or self.lab.guest, command)
        self.settle_in(name)

    def settle_in(self, name: str) -> None:
        pair = self.lab.plan.pair(0)
        self.ip("link", "set", name, "up")
        self.ip("addr", "add", f"{pair.address}/24", "dev", name)

    def statuses(self) -> list[PairStatus]:
        return self.inside(datapath.status)

    @property
    def where(self) -> tuple[Path, Reason] | None:
        found = self.statuses()
        return (found[0].path, found[0].reason) if found else None

    def wait_path(self, path: Path, reason: Reason | None = None) -> None:
        def holds() -> bool:
            now = self.where
            return now is not None and now[0] is path and reason in (None, now[1])

        eventually(f"{path} ({reason}) in the pod", holds)

    def sending(self) -> UdpPlan:
        """A stream from the pod to the peer."""
        return UdpPlan(self.name, self.lab.peer, self.lab.plan.pair(0).peer_address, rate=1000)

    def receiving(self) -> UdpPlan:
        """A stream from the peer to the pod."""
        return UdpPlan(self.lab.peer, self.name, self.lab.plan.pair(0).address, rate=1000)

    def remove(self) -> None:
        """Delete it, as `ip netns del` does."""
        namespace.remove(self.name)


@contextmanager
def pods(lab: Lab) -> Iterator[Callable[[], Pod]]:
    """A factory of pods, which are gone at the end of the block, detached and all."""
    made: list[Pod] = []

    def make() -> Pod:
        name = f"{lab.guest}-pod{next(_numbers)}"
        namespace.create(name)
        namespace.call_in(name, _quiet)
        made.append(Pod(lab, name))
        return made[-1]

    try:
        yield make
    finally:
        for one in made:
            if namespace.namespace_path(one.name).exists():
                one.inside(datapath.detach_all)
                one.remove()


def _quiet() -> None:
    from netvsc_bpf.lab import wiring

    wiring.write_sysctl("ipv6/conf/default/accept_dad", 0)
    wiring.write_sysctl("ipv6/conf/default/router_solicitations", 0)
