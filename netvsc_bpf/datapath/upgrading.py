# SPDX-License-Identifier: GPL-2.0-only
"""Bringing what is attached to the programs of this version: under traffic, with counters going on.

The same way puts back a sentinel that somebody removed: its programs are kept by nothing but its links.
"""

from dataclasses import dataclass

from netvsc_bpf.datapath.session import Session
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel import abi, change_over
from netvsc_bpf.kernel.build import own_build
from netvsc_bpf.kernel.loader import load_programs
from netvsc_bpf.kernel.objects import LoadedObject
from netvsc_bpf.model.path import Reason


@dataclass(frozen=True, slots=True)
class Upgraded:
    """Builds, see netvsc_bpf/kernel/build.py. An upgrade may go backwards."""

    before: int
    now: int
    lost: tuple[str, ...] = ()
    """The links of the sentinel that somebody had removed."""


def is_of_another_build(loaded: LoadedObject) -> bool:
    """Tell whether the programs were built from other sources than ours. Raises NoBtf."""
    return loaded.build != own_build(loaded.liveness)


def upgrade(session: Session, loaded: LoadedObject) -> Upgraded | None:
    """Put our programs in place of those of another build, or of those whose sentinel is not whole.

    Return None where they are ours, and all are there.

    The caller holds the lock, and opens the object anew afterwards: `loaded` may have the old programs open.
    Raises CompileError, BccMissing, NoBtf, NotSupported, KernelError; the old programs go on working then.
    """
    before, lost = loaded.build, loaded.lost_sentinel
    if not lost and not is_of_another_build(loaded):
        return None
    now = load_programs(session.pins, loaded.liveness, session.lock_fd)
    change_over.finish(session.pins, session.rtnl, [nic.ifindex for nic in session.nics])
    if lost:
        _look_afresh(session)
    return Upgraded(before, now, lost)


def _look_afresh(session: Session) -> None:
    """Have every VF that is permitted prove itself again: nobody saw what happened to it meanwhile."""
    with LoadedObject(session.pins) as loaded:
        for ifindex in session.attached():
            slot = find_pair_slot(loaded, ifindex)
            if slot is not None and (state := loaded.pair(slot)).permitted:
                loaded.control(abi.ControlCommand.WITHDRAW, slot, abi.REASONS.index(Reason.NOT_PERMITTED))
                loaded.control(abi.ControlCommand.PERMIT, slot, state.settle_ns)
