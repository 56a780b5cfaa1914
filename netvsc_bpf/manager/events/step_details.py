# SPDX-License-Identifier: GPL-2.0-only
"""The details of an event that reports a step. Pure."""

from netvsc_bpf.manager.events.kinds import Detail, Value
from netvsc_bpf.manager.state.missing_hooks import lost_hooks, missing_hooks
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.observation import PairObservation


def step_details(
    pair: PairObservation | None, step: act.Action, *, repair: bool = False, last_vf: str | None = None
) -> dict[Detail, Value]:
    """Return step, VF, reason and hooks, as far as the step has them; `pair` is its state before the step.

    For a repair, only the lost hooks are listed. `last_vf` is the name of the VF that joined last.
    """
    details: dict[Detail, Value] = {Detail.STEP: type(step).__name__}
    if isinstance(step, act.Join):
        details[Detail.VF] = step.vf.name
    elif pair is not None and pair.joined is not None and not isinstance(step, act.Attach):
        details[Detail.VF] = pair.joined.vf.name
    elif isinstance(step, act.Leave) and last_vf is not None:
        details[Detail.VF] = last_vf
    if isinstance(step, act.Leave | act.Withdraw):
        details[Detail.REASON] = step.reason.value
    if isinstance(step, act.FollowUp) and step.because is not None:
        details[Detail.REASON] = step.because.value
    if hooks := (lost_hooks if repair else missing_hooks)(pair, step):
        details[Detail.HOOK] = ",".join(hooks)
    return details
