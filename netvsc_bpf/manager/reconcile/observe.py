# SPDX-License-Identifier: GPL-2.0-only
"""Observing the state of pairs: one netlink dump, the maps, the links."""

import errno

from netvsc_bpf.datapath import drains, follow_settings, guard_hook, interim_filter, order
from netvsc_bpf.datapath.describe_nic import is_described
from netvsc_bpf.datapath.home_state import is_enabled
from netvsc_bpf.datapath.join import rx_for
from netvsc_bpf.datapath.options import DEFAULT_SETTLE_MS, AttachOptions, guard_mode
from netvsc_bpf.datapath.pairs import guard_link, own_program, runs_guard
from netvsc_bpf.datapath.passed_by import passed_by
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.discovery.known import KnownPairs
from netvsc_bpf.discovery.xdp_reach import bypassed_xdp_program
from netvsc_bpf.kernel.bpf import abi, pair_programs
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.hooks.tc import TcHook
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.manager.state.vf_selection import Seen, choose
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import GuardMode, Liveness, RxMode
from netvsc_bpf.planner.observation import Joined, PairObservation


def observe(
    session: Session,
    loaded: LoadedObject | None,
    synthetic: Nic,
    options: AttachOptions,
    known: KnownPairs,
) -> Seen:
    """Describe the pair of this synthetic NIC; without a loaded object nothing is attached."""
    if loaded is None or find_pair_slot(loaded, synthetic.ifindex) is None:
        pair = PairObservation(synthetic, steer=False, guard=False, liveness=Liveness.LIVE, attached=False)
        return choose(session.nics, pair, options, known)
    slot = find_pair_slot(loaded, synthetic.ifindex)
    assert slot is not None
    hook = session.hook(loaded)
    found = loaded.found(slot)
    guard = guard_link(session, synthetic.ifindex)
    guarded = runs_guard(session, synthetic.ifindex, guard)
    joined = _joined(session, loaded, hook, synthetic, slot, found, options, holds_xdp=guard is not None)
    state = loaded.pair(slot)
    in_force = abi.GUARD_MODES[state.guard]
    wanted = guard_mode(options, synthetic)
    steer = (
        loaded.synthetic_ifindex(slot) == synthetic.ifindex
        and _attached(session, hook, synthetic, "steer", synthetic.ifindex, Direction.EGRESS)
        and not order.unfinished(session, synthetic.ifindex)
    )
    pair = PairObservation(
        synthetic,
        steer=steer,
        passed_by=_passed_by(session, synthetic) if steer else (),
        guard=guarded == (wanted is not GuardMode.OFF)
        and in_force is wanted
        and (not guarded or guard_hook.is_in_place(synthetic)),
        guard_lost=in_force is not GuardMode.OFF and not guarded,
        liveness=loaded.liveness,
        joined=joined,
        left_behind=joined is None and found.vf_ifindex != 0,
        returns=abi.RETURN_POLICIES[state.returns],
        pending=state.returns == abi.Returns.PENDING,
        drained=drains.in_force(loaded, slot, synthetic.ifindex),
        described=_described(session, loaded, synthetic, slot),
    )
    return choose(session.nics, pair, options, known)


def _described(session: Session, loaded: LoadedObject, synthetic: Nic, slot: int) -> bool:
    try:
        return is_described(session, loaded, synthetic, slot)
    except OSError as error:
        if error.errno != errno.ENODEV:  # removed since the dump
            raise
        return True


def _passed_by(session: Session, synthetic: Nic) -> tuple[int, ...]:
    try:
        return passed_by(synthetic.ifindex, own_program(session, synthetic.ifindex, "steer"))
    except OSError as error:
        if error.errno != errno.ENODEV:  # removed since the dump
            raise
        return ()


def _joined(
    session: Session,
    loaded: LoadedObject,
    hook: TcHook,
    synthetic: Nic,
    slot: int,
    found: abi.Found,
    options: AttachOptions,
    *,
    holds_xdp: bool,
) -> Joined | None:
    """Describe the VF; `holds_xdp`: guard's link holds the synthetic NIC's XDP hook."""
    vf = session.nic(loaded.vf_ifindex(slot))
    if vf is None or not found.vf_ifindex:
        return None
    state, makes_do = loaded.pair(slot), interim_filter.noted(found)
    program = own_program(session, synthetic.ifindex, "home") if makes_do else None
    stands = program is not None and interim_filter.is_attached(session, vf.ifindex, program)
    attached = stands or _attached(session, hook, synthetic, "home", vf.ifindex, Direction.INGRESS)
    return Joined(
        vf,
        home=is_enabled(state, vf)
        and (attached if state.redirect_to else _driver_delivers(session, options, synthetic, vf)),
        followed=follow_settings.read(found),
        permitted=bool(state.permitted),
        armed=bool(state.armed),
        settle_ms=state.settle_ns / 1e6,
        denied=abi.REASONS[found.denied],
        withheld=None if state.permitted else abi.REASONS[state.reason],
        bypassed_xdp=bypassed_xdp_program(synthetic, vf, guarded=holds_xdp),
        redirected=bool(state.redirect_to),
        interim=makes_do,
    )


def _driver_delivers(session: Session, options: AttachOptions, synthetic: Nic, vf: Nic) -> bool:
    """Return whether a VF whose ingress is left to its driver still can be: VLANs may have been added."""
    return vf.master == synthetic.ifindex and rx_for(session, options, synthetic, vf) is RxMode.KERNEL


def _attached(
    session: Session,
    hook: TcHook,
    synthetic: Nic,
    program: str,
    ifindex: int,
    direction: Direction,
) -> bool:
    pin = session.pins.link(synthetic.ifindex, program)
    own = own_program(session, synthetic.ifindex, program)
    if hook.attached(own, ifindex, direction, pin):
        return True
    # Read without the lock: another process may be replacing programs, or was killed while doing so.
    pending = pair_programs.pending_ids(session.pins, synthetic.ifindex, program)
    return any(hook.attached(one, ifindex, direction, pin) for one in pending)


def wanted_settle_ms(seen: Seen, configured: int | None) -> int:
    """Return the configured time, or else the one chosen when the pair was attached."""
    if configured is not None:
        return configured
    joined = seen.pair.joined
    return int(joined.settle_ms) if joined is not None and joined.settle_ms > 0 else DEFAULT_SETTLE_MS
