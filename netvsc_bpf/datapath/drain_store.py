# SPDX-License-Identifier: GPL-2.0-only
"""Storing the drain of a pair in the kernel."""

from netvsc_bpf.datapath.load import upgraded_or_load
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf import abi, drain_notes
from netvsc_bpf.kernel.bpf.abi import ControlCommand, ControlResult
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject


def pair_slot(session: Session, ifindex: int) -> int | None:
    """Return the slot of the pair of this synthetic NIC, None if it is not attached."""
    if ifindex not in session.attached():
        return None
    with LoadedObject(session.pins) as loaded:
        return None if loaded.stale else find_pair_slot(loaded, ifindex)


def needs_undrain(session: Session, ifindex: int) -> bool:
    """Return whether a pair is drained or waits for an operator, or a failed undrain left the note."""
    slot = pair_slot(session, ifindex)
    if slot is None:
        return False
    if drain_notes.read(session.pins, ifindex) is not None:
        return True
    with LoadedObject(session.pins) as loaded:
        state = loaded.pair(slot)
        return bool(state.drained_until) or state.returns == abi.Returns.PENDING


def store(session: Session, slot: int, until: int) -> None:
    """Store until when a pair is drained: `drained_until` of ebpf/abi.h, 0 to end the drain.

    Upgrades the programs where those attached do not support drains.
    """
    with LoadedObject(session.pins) as loaded:
        if loaded.control(ControlCommand.DRAIN, slot, until) is not ControlResult.BAD_COMMAND:
            return
    with upgraded_or_load(session, None) as loaded:
        loaded.control(ControlCommand.DRAIN, slot, until)
