# SPDX-License-Identifier: GPL-2.0-only
"""A pair of a lab, attached for the length of a block, and what is asked of it.

Everything is done by this process itself, in a thread that enters the guest: a command of its own for each
look would cost half a second. What the command adds to these calls has tests of its own.
"""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.kernel.bpf import libbpf, pin_files
from netvsc_bpf.kernel.bpf.abi import ControlCommand, ControlResult, PairState, slot_candidates
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import GuardMode, Path, Reason
from netvsc_bpf.model.status import PairStatus
from tests.kernel.support.devices import NO_FABRIC, silence
from tests.kernel.support.waiting import eventually

T = TypeVar("T")

_REDIRECT = 7  # TC_ACT_REDIRECT, linux/pkt_cls.h
_LET_ON = 0xFFFFFFFF  # TC_ACT_UNSPEC, TCX_NEXT
_IFINDEX = 10  # the eleventh word of struct __sk_buff


class _Named(int):
    """A number where a command is expected; the name is for messages alone."""

    name = "nonsense"


class Attachment:
    """One synthetic NIC of the guest that is attached."""

    def __init__(self, lab: Lab, interface: str) -> None:
        self.lab = lab
        self.interface = interface
        self.ifindex = lab.ifindex(lab.guest, interface)

    def attach(self, **options: Any) -> PairStatus:
        """Attach, or attach again with other options; veth has no PCI parent, so any bus will do."""
        wanted = AttachOptions(**{"any_bus": True, **options})
        return self.lab.in_guest(datapath.attach, self.interface, wanted).status

    def status(self) -> PairStatus:
        return self.lab.in_guest(datapath.status, self.interface)[0]

    @property
    def path(self) -> Path:
        return self.status().path

    @property
    def where(self) -> tuple[Path, Reason]:
        """The path, and why."""
        status = self.status()
        return status.path, status.reason

    def wait_for(self, path: Path) -> None:
        """Traffic has to flow meanwhile: it is what makes the kernel look at the VF again.

        `status` foretells the path of the next packet; here that packet has come, and the change is counted.
        """

        def holds() -> bool:
            return self.path is path and bool(self.state().armed) == (path is Path.VF)

        eventually(f"the path is {path}", holds)

    def wait_used(self) -> None:
        """Wait until the VF is in use, after an attach: that waits for a moment only (wait_settled.py).

        It triggers the check of the kernel, so no traffic is needed. Not for liveness level `netlink`.
        """

        def used() -> bool:
            return self.control(ControlCommand.CHECK) is ControlResult.VF and self.path is Path.VF

        eventually("the VF is used", used)

    def state(self) -> PairState:
        """The pair as the programs have it."""
        return self._inside(lambda loaded, slot: loaded.pair(slot))

    def control(self, command: ControlCommand, argument: int = 0) -> ControlResult:
        return self._inside(lambda loaded, slot: loaded.control(command, slot, argument))

    def control_raw(self, command: int, slot_offset: int = 0) -> ControlResult:
        """Send the control program a command that may not exist, or for another slot."""
        return self._inside(
            lambda loaded, slot: loaded.control(_Named(command), slot + slot_offset)  # type: ignore[arg-type]
        )

    def steer(self) -> Path:
        """Hand steer one packet by BPF_PROG_TEST_RUN and return where it would have gone; nothing is sent."""

        def run(loaded: LoadedObject, _: int) -> int:
            context = (ctypes.c_uint32 * 48)()
            context[_IFINDEX] = self.ifindex
            with pin_files.got(loaded.pins.copy(self.ifindex, "steer")) as steer:
                return libbpf.test_run(steer, bytes(64), context)[0]

        return {_REDIRECT: Path.VF, _LET_ON: Path.SYNTHETIC}[self._inside(run)]

    def _inside(self, look: Callable[[LoadedObject, int], T]) -> T:
        def inside() -> T:
            with LoadedObject(NetnsPins(namespaces.current_inode())) as loaded:
                slots = slot_candidates(self.ifindex)
                slot = next(one for one in slots if loaded.pair(one).synthetic_ifindex == self.ifindex)
                return look(loaded, slot)

        return self.lab.in_guest(inside)


@contextmanager
def attached(lab: Lab, interface: str = "eth0", **options: Any) -> Iterator[Attachment]:
    """Attach with the fields of AttachOptions, and detach everything at the end."""
    pair = Attachment(lab, interface)
    pair.attach(**options)
    try:
        yield pair
    finally:
        lab.in_guest(datapath.detach_all)


@contextmanager
def armed_and_silent(lab_factory: Callable[[LabPlan], Lab]) -> Iterator[Attachment]:
    """Attach a pair of a guest that says nothing: the only packets are those that the test hands to steer."""
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    with attached(lab, settle_ms=10, guard=GuardMode.OFF) as pair:
        assert pair.steer() is Path.VF
        yield pair
