# SPDX-License-Identifier: GPL-2.0-only
"""Drains that a manager begins and ends for maintenance, and what is due to them. An operator's stay.

The note in the kernel says whose a drain is, so a manager that is restarted in between ends what an earlier
one began. Only the drain itself is stored here: the manager's next reconciliations take the VF down once
frames in flight have arrived, and bring it up again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from netvsc_bpf.datapath.drain_store import store
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf import drain_notes
from netvsc_bpf.kernel.bpf.drain_notes import DrainNote
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.model.drain import DrainedBy


class Step(Enum):
    """What to do with a pair."""

    BEGIN = auto()
    """Drain it."""
    EXTEND = auto()
    """Let its drain end later."""
    END = auto()
    """End its drain: the VF may be used again, once the manager has permitted it."""
    FORGET = auto()
    """Remove the note of a drain that has ended."""


@dataclass(frozen=True, slots=True)
class StoredDrain:
    """What the kernel has of a pair's drain. Times are CLOCK_BOOTTIME in ns."""

    slot: int
    until: int
    """`drained_until` of ebpf/abi.h: 0 if it is not drained."""
    by: DrainedBy | None
    """None: there is no note."""

    @property
    def is_ours(self) -> bool:
        """Whether the manager drained it, or was the last to."""
        return self.by is DrainedBy.MAINTENANCE

    def is_in_force(self, now: int) -> bool:
        """Return whether the pair is drained."""
        return self.until > now

    def towards(self, until: int, now: int, *, drained_before: bool) -> Step | None:
        """Return what to do while maintenance is due, which is expected to be over at `until`.

        `drained_before`: the pair was drained for this maintenance already. If it is not drained any more,
        an operator ended that, or its time was over, and it is left as it is.
        """
        if self.is_in_force(now):
            return Step.EXTEND if self.is_ours and self.until < until else None
        return None if drained_before else Step.BEGIN

    def away(self) -> Step | None:
        """Return what to do while no maintenance is due."""
        if not self.is_ours:
            return None
        return Step.END if self.until else Step.FORGET


def stored_drains(session: Session, ifindexes: Iterable[int]) -> dict[int, StoredDrain]:
    """Return the drains of those of these synthetic NICs that are attached. Raises ForeignLayout."""
    attached = set(session.attached())
    wanted = [ifindex for ifindex in ifindexes if ifindex in attached]
    if not wanted:
        return {}
    found = {}
    with LoadedObject(session.pins) as loaded:
        for ifindex in wanted if not loaded.stale else ():
            slot = find_pair_slot(loaded, ifindex)
            if slot is not None:
                note = drain_notes.read(session.pins, ifindex)
                until = int(loaded.pair(slot).drained_until)
                found[ifindex] = StoredDrain(slot, until, None if note is None else note.by)
    return found


def take(session: Session, ifindex: int, slot: int, step: Step, *, now: int, until: int, why: str) -> None:
    """Take a step for the pair of this synthetic NIC, in a session for changes. Raises KernelError."""
    match step:
        case Step.BEGIN:
            # The note first, so that a pair that is drained always has its owner.
            drain_notes.write(session.pins, ifindex, DrainNote(now, why, DrainedBy.MAINTENANCE))
            store(session, slot, until)
        case Step.EXTEND:
            store(session, slot, until)
        case Step.END:
            store(session, slot, 0)
        case Step.FORGET:
            drain_notes.remove(session.pins, ifindex)
