# SPDX-License-Identifier: GPL-2.0-only
"""Upgrades attached pairs to the programs of this version, under traffic and with their counters kept.

A sentinel that was removed externally is restored in the same way: only its links keep its programs loaded.
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
from netvsc_bpf.kernel.compile.load_object import load_programs
from netvsc_bpf.kernel.compile.source_digest import own_build
from netvsc_bpf.kernel.hooks import replace_programs
from netvsc_bpf.model.path import Reason


@dataclass(frozen=True, slots=True)
class Upgraded:
    """Builds before and after (netvsc_bpf/kernel/compile/source_digest.py). It may also be a downgrade."""

    before: int
    now: int
    lost: tuple[str, ...] = ()
    """The links of the sentinel that had been removed externally."""


def is_of_another_build(loaded: LoadedObject) -> bool:
    """Return whether the programs are not of this version's sources. Raises NoBtf, KernelError."""
    return loaded.build != own_build(loaded.liveness)


def upgrade(session: Session, loaded: LoadedObject) -> Upgraded | None:
    """Replace the programs if they are of another build, or if links of the sentinel are missing.

    Returns None if nothing had to be replaced.

    The caller holds the lock, and opens the object again afterwards: `loaded` may have the old programs open.
    Raises CompileError, BccMissing, NoBtf, NotSupported, KernelError; the old programs keep working then.
    """
    before, lost = loaded.build, loaded.lost_sentinel
    if not lost and not is_of_another_build(loaded):
        return None
    permissions = _permissions_withdrawn(session) if lost else nullcontext()
    with ExitStack() as stack:
        enter = partial(stack.enter_context, permissions)
        now = load_programs(session.pins, loaded.liveness, _slots(session, loaded), enter)
        replace_programs.finish(session.pins, session.rtnl, [nic.ifindex for nic in session.nics])
    return Upgraded(before, now, lost)


@contextmanager
def _permissions_withdrawn(session: Session) -> Iterator[None]:
    """Withdraw all permissions for the block: without the sentinel a failure of a VF was not detected.

    If this process is killed in the block, VFs stay without permission until the next attach or manager gives
    it again. In the other order, a VF that failed before the sentinel was complete would stay armed.
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
