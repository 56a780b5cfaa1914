# SPDX-License-Identifier: GPL-2.0-only
"""Sets up the synthetic NIC of a pair: slot, steer and guard.

Each step is done only if it is missing, and can be undone.
"""

import errno
import os
from contextlib import ExitStack

from netvsc_bpf.datapath import guard_hook, order
from netvsc_bpf.datapath.describe_nic import describe, suspend_guard
from netvsc_bpf.datapath.received_traffic import counters_now
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.datapath.slots import find_pair_slot, free_pair_slot
from netvsc_bpf.kernel.bpf import abi, attach_notes, links, offload_notes, pair_programs, pin_files, pins
from netvsc_bpf.kernel.bpf.abi import ControlCommand
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.hooks import clsact
from netvsc_bpf.kernel.hooks.hidden_steer import refuse_hidden
from netvsc_bpf.kernel.hooks.tc import TcHook
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.net.link_settings import changing, is_present
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import GuardMode, Reason

CLSACT_ON_SYNTHETIC = 1
CLSACT_ON_VF = 2
"""Bits of Found.clsact_added."""


def ensure_pair(
    session: Session,
    loaded: LoadedObject,
    synthetic: Nic,
    undo: ExitStack,
    guard: GuardMode,
) -> int:
    """Give the synthetic NIC a slot with zero counters and record its own counters; return the slot.

    `guard` is stored in a new slot, so that a pair found half attached has the mode that was requested.
    """
    slot = find_pair_slot(loaded, synthetic.ifindex)
    folder = session.pins.pair(synthetic.ifindex)
    if slot is not None:
        if loaded.synthetic_ifindex(slot) != synthetic.ifindex:
            # It may have left since it was listed: then its guard's link is still needed to find it.
            with changing(f"cannot attach {synthetic.name}"):
                if not is_present(synthetic.ifindex):
                    raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
            # Another device had this ifindex, or this one was moved away: links of it are on that device.
            for program in ("steer", "guard"):
                links.remove(session.pins.link(synthetic.ifindex, program))
            offload_notes.remove(session.pins, synthetic.ifindex)
            attach_notes.remove(session.pins, synthetic.ifindex)
            _name(loaded, slot, synthetic)
        pin_files.make_folder(folder)
        return slot
    slot = free_pair_slot(loaded, synthetic.ifindex)
    undo.callback(free_pair, session, loaded, slot, synthetic.ifindex)
    loaded.clear_counters(slot)
    loaded.clear_evidence(slot)
    loaded.clear_vf(slot)
    with changing(f"cannot read the statistics of {synthetic.name}"):
        loaded.set_found(slot, counters_now(synthetic))
    state = abi.PairState(
        synthetic_ifindex=synthetic.ifindex,
        guard=abi.GUARD_MODES.index(guard),
        reason=abi.REASONS.index(Reason.NO_VF),
    )
    loaded.set_pair(slot, state)
    _name(loaded, slot, synthetic)
    with changing(f"cannot make {folder}"):
        # Left by a process that was killed: the copies may be those of another slot.
        pins.remove_tree(session.pins, folder)
        pin_files.make_folder(folder)
    return slot


def _name(loaded: LoadedObject, slot: int, synthetic: Nic) -> None:
    """Put the synthetic NIC into the DEVMAP; the kernel deletes the entry if it leaves this namespace."""
    with changing(f"cannot attach {synthetic.name}"):
        loaded.set_synthetic(slot, synthetic.ifindex)


def free_pair(session: Session, loaded: LoadedObject, slot: int | None, ifindex: int) -> None:
    """Free a slot, then remove the folder of its synthetic NIC, from which steer is detached already.

    Does nothing if there is still something to restore: the next attach, detach or manager does that.
    """
    if slot is not None:
        if loaded.found(slot).vf_ifindex:
            return
        _clear(loaded, slot)
    pins.remove_tree(session.pins, session.pins.pair(ifindex))


def _clear(loaded: LoadedObject, slot: int) -> None:
    loaded.clear_vf(slot)
    loaded.clear_synthetic(slot)
    loaded.set_found(slot, abi.Found())
    loaded.set_pair(slot, abi.PairState())


def ensure_steer(
    session: Session, loaded: LoadedObject, hook: TcHook, synthetic: Nic, slot: int, undo: ExitStack
) -> None:
    """Attach steer to the synthetic NIC's egress."""
    ifindex = synthetic.ifindex
    pin = session.pins.link(ifindex, "steer")
    order.remove_unfinished(session, ifindex)
    with pair_programs.opened(loaded, ifindex, slot, "steer") as program:
        if hook.attached(links.program_id(program), ifindex, Direction.EGRESS, pin):
            return
        links.remove(pin)  # the link of a device that is gone, or a foreign one
        refuse_hidden(f"cannot attach {synthetic.name}", session.pins, ifindex, synthetic.name)
        undo.callback(remove_steer, session, loaded, hook, ifindex, slot)
        with changing(f"cannot attach steer to {synthetic.name}"):
            if hook.adds_qdisc(ifindex):
                note_clsact(loaded, slot, CLSACT_ON_SYNTHETIC)
            hook.attach(program, ifindex, Direction.EGRESS, pin)


def remove_steer(session: Session, loaded: LoadedObject, hook: TcHook, ifindex: int, slot: int) -> None:
    """Detach steer, and remove the qdisc that was added for it."""
    program = own_program(session, ifindex, "steer")
    hook.detach(program, ifindex, Direction.EGRESS, session.pins.link(ifindex, "steer"))
    if loaded.found(slot).clsact_added & CLSACT_ON_SYNTHETIC:
        clsact.remove_qdisc_if_empty(session.rtnl, ifindex)


def ensure_guard(
    session: Session, loaded: LoadedObject, synthetic: Nic, slot: int, mode: GuardMode, undo: ExitStack
) -> None:
    """Attach guard to the synthetic NIC, or detach it if the mode is off. Raises ForeignXdp, XdpRefused."""
    if mode is GuardMode.OFF:
        loaded.control(ControlCommand.GUARD, slot, abi.GUARD_MODES.index(mode))
        suspend_guard(loaded, slot)
        with changing(f"cannot detach guard from {synthetic.name}"):
            guard_hook.detach(session, synthetic)
    elif not (
        runs_guard(session, synthetic.ifindex, guard_link(session, synthetic.ifindex))
        and guard_hook.is_in_place(synthetic)
    ):
        suspend_guard(loaded, slot)
        undo.callback(guard_hook.detach, session, synthetic)
        with (
            changing(f"cannot attach guard to {synthetic.name}"),
            pair_programs.opened(loaded, synthetic.ifindex, slot, "guard") as program,
        ):
            guard_hook.attach(session, synthetic, program)
    loaded.control(ControlCommand.GUARD, slot, abi.GUARD_MODES.index(mode))
    describe(session, loaded, synthetic, slot)


def guard_link(session: Session, ifindex: int) -> links.LinkState | None:
    """Return guard's own link if it is on the XDP hook of this synthetic NIC, whatever program it runs."""
    state = links.state(session.pins.link(ifindex, "guard"))
    return state if state is not None and state.ifindex == ifindex else None


def runs_guard(session: Session, ifindex: int, link: links.LinkState | None) -> bool:
    """Return whether this is guard's own link and runs the pair's copy of guard."""
    return link is not None and link.prog_id == own_program(session, ifindex, "guard")


def own_program(session: Session, ifindex: int, name: str) -> int | None:
    """Return the id of the pair's own copy of a program, None if it has none."""
    return links.pinned_program_id(session.pins.copy(ifindex, name))


def note_clsact(loaded: LoadedObject, slot: int, bit: int) -> None:
    """Record, before a clsact qdisc is added, that netvsc-bpf adds it."""
    found = loaded.found(slot)
    found.clsact_added |= bit
    loaded.set_found(slot, found)
