# SPDX-License-Identifier: GPL-2.0-only
"""Bringing what is attached to the programs of this version: under traffic, with counters going on.

The same way puts back a sentinel that somebody removed: its programs are kept by nothing but its links.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

from netvsc_bpf.datapath import home_hook
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.compile.parent import load_programs
from netvsc_bpf.kernel.compile.source_digest import own_build
from netvsc_bpf.kernel.hooks import replace_programs
from netvsc_bpf.model.path import Reason


@dataclass(frozen=True, slots=True)
class Upgraded:
    """Builds, see netvsc_bpf/kernel/compile/source_digest.py. An upgrade may go backwards."""

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
    afresh = _proving_themselves_again(session) if lost else nullcontext()
    with ExitStack() as until_it_is_done:
        enter = partial(until_it_is_done.enter_context, afresh)
        now = load_programs(session.pins, loaded.liveness, _slots(session, loaded), session.lock_fd, enter)
        replace_programs.finish(session.pins, session.rtnl, [nic.ifindex for nic in session.nics])
    return Upgraded(before, now, lost)


@contextmanager
def _proving_themselves_again(session: Session) -> Iterator[None]:
    """Take the permission of every VF until the end of the block: nobody saw what happened to it meanwhile.

    Whoever is killed within leaves VFs without permission, which the next attach or manager gives again. The
    other way round, a whole sentinel would stand guard over a VF that died before, and nobody would look.
    """
    before = {}
    with LoadedObject(session.pins) as loaded:
        for slot in _slots(session, loaded).values():
            before[slot] = loaded.pair(slot)
            if before[slot].permitted:
                loaded.control(abi.ControlCommand.WITHDRAW, slot, abi.REASONS.index(Reason.NOT_PERMITTED))
    try:
        yield
    finally:
        with LoadedObject(session.pins) as loaded:
            for slot, state in before.items():
                home_hook.restore(loaded, slot, state)
                if state.permitted:
                    loaded.control(abi.ControlCommand.PERMIT, slot, state.settle_ns)


def _slots(session: Session, loaded: LoadedObject) -> dict[int, int]:
    """Return the slots of the attached pairs, by the ifindex of their synthetic NICs."""
    found = ((ifindex, find_pair_slot(loaded, ifindex)) for ifindex in session.attached())
    return {ifindex: slot for ifindex, slot in found if slot is not None}
