# SPDX-License-Identifier: GPL-2.0-only
"""Which pairs have a path change that was not announced yet. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AnnouncedState:
    """The state of a pair that decides whether an announcement is due."""

    changed_at: int
    """CLOCK_BOOTTIME ns of the last path change, 0 if there was none."""
    dead: bool = False
    """The VF is the path but cannot carry packets, and the kernel has not noticed yet."""


States = dict[int, AnnouncedState]
"""By pair (ifindex of the synthetic NIC)."""


def owed(before: States, now: States) -> set[int]:
    """Return the pairs whose path has changed since the last check, or is about to. Pure."""
    return {
        pair
        for pair, state in now.items()
        if state != before.get(pair, AnnouncedState(0))
        and (state.dead or state.changed_at > _at(before, pair))
    }


def newest(before: States, now: States) -> States:
    """Return the states of these pairs; a later change may have been announced since `now` was read. Pure."""
    return {
        pair: state if state.changed_at >= _at(before, pair) else before[pair] for pair, state in now.items()
    }


def _at(states: States, pair: int) -> int:
    return states[pair].changed_at if pair in states else 0
