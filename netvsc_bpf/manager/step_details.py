# SPDX-License-Identifier: GPL-2.0-only
"""What an event says of the step that it tells, beside its text. Pure."""

from netvsc_bpf.manager.events import Detail, Value
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.observation import PairObservation


def step_details(pair: PairObservation | None, step: act.Action) -> dict[Detail, Value]:
    """Return step, VF, reason and hooks, as far as the step has them; `pair` as it was before."""
    details: dict[Detail, Value] = {Detail.STEP: type(step).__name__}
    if isinstance(step, act.Join):
        details[Detail.VF] = step.vf.name
    elif pair is not None and pair.joined is not None and not isinstance(step, act.Attach):
        details[Detail.VF] = pair.joined.vf.name
    if isinstance(step, act.Leave | act.Withdraw):
        details[Detail.REASON] = step.reason.value
    if hooks := missing_hooks(pair, step):
        details[Detail.HOOK] = ",".join(hooks)
    return details


def missing_hooks(pair: PairObservation | None, step: act.Action) -> tuple[str, ...]:
    """Return which of steer, guard and home a step has to attach."""
    if pair is None:
        return ()
    match step:
        case act.Attach():
            there = {"steer": pair.steer, "guard": pair.guard}
            return tuple(name for name, attached in there.items() if not attached)
        case act.Join() if pair.joined is None or not pair.joined.home:
            return ("home",)
    return ()
