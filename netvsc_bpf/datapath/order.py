# SPDX-License-Identifier: GPL-2.0-only
"""Keeps steer behind every other tcx program on the egress of the synthetic NIC.

steer redirects, which ends the list for a packet: a program behind it does not see packets for the VF. steer
is attached last, but others may be attached later. A tcx link cannot be moved. So a second link is attached
at the end, at first with a program that does nothing, which takes an RCU grace period; then the two links
swap programs, within microseconds, and the first link is removed. The order of the two updates depends on the
path: while the VF is used, steer is in both places for that moment and the first one redirects; otherwise it
is in neither, and the few packets of that moment are not counted. No packet is lost or counted twice.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from netvsc_bpf.datapath.session import Session
from netvsc_bpf.kernel.bpf import libbpf, links, pair_programs, pin_files, pins
from netvsc_bpf.kernel.bpf.instructions import instruction
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.hooks import tcx
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.hooks.tcx_query import tcx_programs
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.model.nic import Nic

_NEXT = instruction(0xB7, immediate=-1) + instruction(0x95)  # r0 = TCX_NEXT; exit
_PENDING = "steer_next"
"""The pin of the second link until it replaces the first."""


def passed_by(ifindex: int, steer_id: int | None) -> tuple[int, ...]:
    """Return the tcx programs (ids) that run after steer on the egress of a NIC.

    Empty if steer is not on tcx. Raises OSError: EPERM without CAP_NET_ADMIN, ENODEV.
    """
    programs = tcx_programs(ifindex, Direction.EGRESS)
    return tuple(programs[programs.index(steer_id) + 1 :]) if steer_id in programs else ()


def unfinished(session: Session, ifindex: int) -> bool:
    """Return whether a process was killed while it moved steer to the end."""
    return pin_files.exists(session.pins.link(ifindex, _PENDING))


def remove_unfinished(session: Session, ifindex: int) -> None:
    """Remove the second link and copy left by such a process; ensure_steer() then checks steer's own link."""
    links.remove(session.pins.link(ifindex, _PENDING))
    pair_programs.remove_second(session.pins, ifindex, "steer")


def put_last(session: Session, loaded: LoadedObject, synthetic: Nic, slot: int) -> None:
    """Move steer behind the programs that were attached after it. Raises KernelError, CompileError."""
    ifindex = synthetic.ifindex
    pin, pending = session.pins.link(ifindex, "steer"), session.pins.link(ifindex, _PENDING)
    with ExitStack() as stack:
        stack.enter_context(
            changing(f"cannot move steer of {synthetic.name} behind the programs that were attached after it")
        )
        first = stack.enter_context(pin_files.got(pin))
        old = stack.enter_context(pair_programs.opened(loaded, ifindex, slot, "steer"))
        remove_unfinished(session, ifindex)
        stack.callback(remove_unfinished, session, ifindex)
        # No program can be on one hook twice (bpf_mprog_attach(), kernel/bpf/mprog.c).
        new = stack.enter_context(pair_programs.second(loaded, ifindex, slot, "steer"))
        before, behind = (stack.enter_context(_pass_program()) for _ in range(2))
        tcx.attach(behind, ifindex, Direction.EGRESS, pending)
        second = stack.enter_context(pin_files.got(pending))
        undo = stack.enter_context(ExitStack())
        updates = [(second, new, behind), (first, before, old)]
        for link, program, instead in updates if loaded.pair(slot).armed else reversed(updates):
            libbpf.link_update(link, program, instead)
            if link == first:
                undo.callback(libbpf.link_update, first, old, before)
        pair_programs.take_second(loaded.pins, ifindex, "steer")
        pins.move(pending, pin)
        undo.pop_all()
        libbpf.link_detach(first)


@contextmanager
def _pass_program() -> Iterator[int]:
    """Load a program that passes every packet on; give its descriptor."""
    fd = libbpf.prog_load(libbpf.SCHED_CLS_PROGRAM, "steer_place", _NEXT)
    try:
        yield fd
    finally:
        os.close(fd)
