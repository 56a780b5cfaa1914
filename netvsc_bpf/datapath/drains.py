# SPDX-License-Identifier: GPL-2.0-only
"""Reads from the kernel whether a pair is drained, or its VF waits for an operator."""

from netvsc_bpf.kernel.bpf import abi, drain_notes
from netvsc_bpf.kernel.bpf.abi import PairState
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.model.drain import Drain
from netvsc_bpf.model.path import Reason

RETURNING = frozenset(
    {Reason.DRAINED, Reason.MANUAL, Reason.DAMPED, Reason.STALLED, Reason.UNREACHABLE, Reason.NO_CARRIER}
)
"""Reasons for which a VF was taken down that end when an operator says so."""


def state_of(loaded: LoadedObject, slot: int, ifindex: int) -> Drain | None:
    """Return the drain of the pair of this synthetic NIC, also an expired one; None if there is none.

    An expired drain ends when the VF is permitted again, which the kernel no longer refuses.
    """
    return described(loaded, loaded.pair(slot), ifindex)


def described(loaded: LoadedObject, state: PairState, ifindex: int) -> Drain | None:
    """Return the drain of a pair whose state was read already."""
    if not state.drained_until:
        return None
    note = drain_notes.read(loaded.pins, ifindex)
    until = None if state.drained_until == abi.DRAINED_INDEFINITELY else int(state.drained_until)
    # The note may have been removed externally.
    return Drain(int(state.changed_at), until) if note is None else Drain(note.at, until, note.why, note.by)


def in_force(loaded: LoadedObject, slot: int, ifindex: int) -> Drain | None:
    """Return the drain of a pair, None if it has none or it has expired."""
    drain = state_of(loaded, slot, ifindex)
    return None if drain is None or drain.is_over(CLOCKS.boottime()) else drain


def withheld(loaded: LoadedObject, slot: int, ifindex: int) -> Reason | None:
    """Return why only an operator can have the VF of a pair used again, None if it may be used."""
    if in_force(loaded, slot, ifindex) is not None:
        return Reason.DRAINED
    return Reason.MANUAL if loaded.pair(slot).returns == abi.Returns.PENDING else None
