# SPDX-License-Identifier: GPL-2.0-only
"""Which of a pair's programs a step attaches, and which of those had been removed externally. Pure."""

from enum import StrEnum

from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.observation import PairObservation


class Attachment(StrEnum):
    """The closed set of what is attached for a pair."""

    STEER = "steer"
    GUARD = "guard"
    HOME = "home"


def missing_hooks(pair: PairObservation | None, step: act.Action) -> tuple[Attachment, ...]:
    """Return what a step has to attach; `pair` is its state before the step."""
    if pair is None:
        return ()
    match step:
        case act.Attach():
            there = {Attachment.STEER: pair.steer, Attachment.GUARD: pair.guard}
            return tuple(one for one, attached in there.items() if not attached)
        case act.Join() if pair.joined is None or not pair.joined.home:
            return (Attachment.HOME,)
    return ()


def lost_hooks(pair: PairObservation | None, step: act.Action) -> tuple[Attachment, ...]:
    """Return which of those were attached before.

    Whether the pair was attached at all is not known here: before the first attach steer is missing too.
    """
    if pair is None:
        return ()
    if isinstance(step, act.PutLast):
        return (Attachment.STEER,)
    lost = {
        Attachment.STEER: True,
        # Else the configured mode differs from the current one.
        Attachment.GUARD: pair.guard_lost,
        # Else the VF is new, or joining it was interrupted.
        Attachment.HOME: pair.joined is not None and pair.joined.followed.mtu != 0,
    }
    return tuple(one for one in missing_hooks(pair, step) if lost[one])
