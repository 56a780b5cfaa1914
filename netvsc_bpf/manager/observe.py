# SPDX-License-Identifier: GPL-2.0-only
"""Reading how the pairs stand: one netlink dump, the maps, the links."""

from dataclasses import dataclass, replace

from netvsc_bpf.datapath import following
from netvsc_bpf.datapath.options import AttachOptions, guard_mode
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.discovery.pairing import Refusal, find_pair
from netvsc_bpf.kernel import abi, links
from netvsc_bpf.kernel.objects import LoadedObject
from netvsc_bpf.kernel.tc import TcHook, best_hook
from netvsc_bpf.kernel.tcx import Direction
from netvsc_bpf.model.errors import Refused
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import GuardMode, Liveness
from netvsc_bpf.planner.observation import Joined, PairObservation


@dataclass(frozen=True, slots=True)
class Seen:
    """One pair's observation, and what pairing had to refuse."""

    pair: PairObservation
    refusals: tuple[Refusal, ...] = ()
    problem: Refused | None = None
    """Why there is no candidate though there are NICs that could be one."""


def observe(session: Session, loaded: LoadedObject | None, synthetic: Nic, options: AttachOptions) -> Seen:
    """Describe the pair of this synthetic NIC; without a loaded object nothing is attached."""
    if loaded is None or find_pair_slot(loaded, synthetic.ifindex) is None:
        pair = PairObservation(synthetic, steer=False, guard=False, liveness=Liveness.LIVE)
        return _with_candidate(session, pair, options)
    slot = find_pair_slot(loaded, synthetic.ifindex)
    assert slot is not None
    hook = best_hook(loaded.program("steer"), session.ipr)
    found = loaded.found(slot)
    joined = _joined(session, loaded, hook, synthetic, slot, found)
    pair = PairObservation(
        synthetic,
        steer=_attached(session, loaded, hook, synthetic, "steer", synthetic.ifindex, Direction.EGRESS),
        guard=_guarded(session, loaded, synthetic, slot, options),
        liveness=loaded.liveness,
        joined=joined,
        left_behind=joined is None and found.vf_ifindex != 0,
    )
    return _with_candidate(session, pair, options)


def _joined(
    session: Session, loaded: LoadedObject, hook: TcHook, synthetic: Nic, slot: int, found: abi.Found
) -> Joined | None:
    vf = session.nic(loaded.vf_ifindex(slot))
    if vf is None or not found.vf_ifindex:
        return None
    state = loaded.pair(slot)
    return Joined(
        vf,
        home=_attached(session, loaded, hook, synthetic, "home", vf.ifindex, Direction.INGRESS),
        followed=following.read(found),
        permitted=bool(state.permitted),
        armed=bool(state.armed),
        settle_ms=state.settle_ns / 1e6,
        denied=abi.REASONS[found.denied],
        withheld=None if state.permitted else abi.REASONS[state.reason],
    )


def _attached(
    session: Session,
    loaded: LoadedObject,
    hook: TcHook,
    synthetic: Nic,
    program: str,
    ifindex: int,
    direction: Direction,
) -> bool:
    pin = session.pins.link(synthetic.ifindex, program)
    return hook.attached(loaded.program(program), ifindex, direction, pin)


def _guarded(
    session: Session, loaded: LoadedObject, synthetic: Nic, slot: int, options: AttachOptions
) -> bool:
    mode = guard_mode(options, synthetic)
    state = links.state(session.pins.link(synthetic.ifindex, "guard"))
    attached = state is not None and state.ifindex == synthetic.ifindex
    return attached == (mode is not GuardMode.OFF) and abi.GUARD_MODES[loaded.pair(slot).guard] is mode


def _with_candidate(session: Session, pair: PairObservation, options: AttachOptions) -> Seen:
    """Ask pairing who the VF should be.

    A joined VF is looked for by the MAC that it was last given: when the synthetic NIC's MAC changes the two
    must not be torn apart before the VF had its chance to follow.
    """
    nics, current = list(session.nics), None
    if pair.joined is not None:
        current = pair.joined.vf.ifindex
        as_given = replace(pair.synthetic, mac=pair.joined.followed.mac)
        nics = [as_given if nic.ifindex == as_given.ifindex else nic for nic in nics]
    # A VF that was named once stays admitted, whatever its bus; a name that is not there yet is waited for.
    named = options.vf if any(nic.name == options.vf for nic in nics) else None
    any_bus = options.any_bus or current is not None
    if options.vf is not None and named is None and current is None:
        return Seen(pair)
    try:
        found = find_pair(nics, pair.synthetic.name, vf=named, any_bus=any_bus, current_vf=current)
    except Refused as problem:
        return Seen(pair, problem=problem)
    vf = found.pair.vf
    candidate = None if vf is None else session.nic(vf.ifindex)
    return Seen(replace(pair, candidate=candidate), found.refusals)
