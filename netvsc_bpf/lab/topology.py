# SPDX-License-Identifier: GPL-2.0-only
"""The lab: a guest with synthetic NICs and VFs, the fabric that both connect to, and a peer behind it."""

import os
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import count
from types import TracebackType
from typing import Any, Self, TypeVar

from netvsc_bpf.lab import namespace, wiring
from netvsc_bpf.lab.builder import Builder, Places
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.sandbox import NETNS, in_sandbox
from netvsc_bpf.lab.wiring import with_rtnl
from netvsc_bpf.model.errors import NetvscBpfError

T = TypeVar("T")


class Lab:
    """Three network namespaces and the cables between them, from ``with`` to the end of its block.

    ``guest``, ``fabric`` and ``peer`` are their names. The VF of pair 0 is ``vf0``: it has the MAC of
    ``eth0`` and no address. Methods count pairs from 0, and raise NoSuchNic if the NIC does not exist.

    Raises:
        NetvscBpfError: on entry, outside a sandbox: a crash would leave namespaces behind.
    """

    def __init__(self, plan: LabPlan | None = None) -> None:
        self.plan = plan or LabPlan()
        self._places = Places("", "", "")
        self._builder = Builder(self.plan, self._places)
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        if not in_sandbox():
            raise NetvscBpfError(
                "build a lab", "this process is not in a sandbox", "call enter_sandbox() first"
            )
        with ExitStack() as undo:
            self._places = _free_places()
            for name in (self.guest, self.fabric, self.peer):
                namespace.create(name)
                undo.callback(namespace.remove, name)
            self._builder = Builder(self.plan, self._places)
            self._builder.build()
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    @property
    def guest(self) -> str:
        """The namespace of the pairs."""
        return self._places.guest

    @property
    def fabric(self) -> str:
        """The namespace of the switch."""
        return self._places.fabric

    @property
    def peer(self) -> str:
        """The namespace of the guest's communication partner; its NIC is ``eth0``."""
        return self._places.peer

    def plug_vf(
        self, i: int = 0, *, name: str | None = None, up: bool = True, link_local: bool = False
    ) -> int:
        """Hot-add the VF of a pair, as a host does, and return its ifindex.

        Args:
            i: the pair.
            name: its name; by default the one of the plan.
            up: set IFF_UP, as a manager would.
            link_local: let the kernel give it an IPv6 address, as it does without the rules in deploy/.
        """
        pair = self.plan.pair(i)
        near = name or pair.vf
        self._builder.plug([(pair, near)], up=up, link_local=link_local)
        # By its far end: a manager may have moved it to another namespace already.
        return with_rtnl(self.fabric, lambda rtnl: wiring.near_index_of(rtnl, pair.vf_port))

    def unplug_vf(self, i: int = 0) -> None:
        """Hot-remove the VF of a pair, under any name and in any namespace of the lab."""
        pair = self.plan.pair(i)
        far = self.ifindex(self.fabric, pair.vf_port)
        self._builder.leave_vf(pair)
        # A driver unregisters its device before the hardware stops. So the guest's end is deleted first, if
        # it is still in the guest; deleting either end of a veth deletes the other.
        if not with_rtnl(self.guest, lambda rtnl: wiring.remove_near_end(rtnl, far)):
            with_rtnl(self.fabric, lambda rtnl: rtnl.link("del", index=far))

    def vf_up(self, i: int = 0) -> None:
        """Set the VF administratively up, from within the guest."""
        self.set_link(self.guest, self.plan.pair(i).vf, True)

    def vf_down(self, i: int = 0) -> None:
        """Set the VF administratively down, from within the guest."""
        self.set_link(self.guest, self.plan.pair(i).vf, False)

    def vf_carrier(self, on: bool, i: int = 0) -> None:
        """Set or remove the carrier of the VF, from the fabric's side."""
        self.set_link(self.fabric, self.plan.pair(i).vf_port, on)

    def set_link(self, name: str, interface: str, up: bool) -> None:
        """Set an interface of the namespace ``name`` up or down."""
        with_rtnl(name, lambda rtnl: wiring.set_up(rtnl, wiring.index_of(rtnl, interface), up))

    def ifindex(self, name: str, interface: str) -> int:
        """Return the ifindex of an interface of the namespace ``name``."""
        return with_rtnl(name, lambda rtnl: wiring.index_of(rtnl, interface))

    def in_guest(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a function in the guest (see namespace.call_in)."""
        return namespace.call_in(self.guest, function, *args, **kwargs)

    def in_fabric(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a function in the fabric."""
        return namespace.call_in(self.fabric, function, *args, **kwargs)

    def in_peer(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a function in the peer."""
        return namespace.call_in(self.peer, function, *args, **kwargs)

    def run(
        self, name: str, argv: Sequence[str | os.PathLike[str]], *, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in one of the namespaces, with bpffs visible; output is captured as text."""
        return namespace.run(name, argv, check=check)


def _free_places() -> Places:
    # The pid shows which process owns them; the number distinguishes the labs of one process.
    for number in count():
        prefix = f"nvb{os.getpid()}-{number}"
        places = Places(f"{prefix}-guest", f"{prefix}-fabric", f"{prefix}-peer")
        if not any((NETNS / name).exists() for name in (places.guest, places.fabric, places.peer)):
            return places
    raise AssertionError("unreachable: the count has no end")
