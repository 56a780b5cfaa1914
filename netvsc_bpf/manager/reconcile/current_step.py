# SPDX-License-Identifier: GPL-2.0-only
"""What the reconciling thread is at, for another thread that has to act when it does not come back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from netvsc_bpf.manager.state.process_clock import ProcessClock
from netvsc_bpf.planner.actions import Action

_COMPILER_PATIENCE = 6.0
"""How many times longer than a step the compiler may take.

Half a second is usual; where the processor is emulated it has taken 12.
"""


@dataclass(frozen=True, slots=True)
class FollowLists(Action):
    """Bring the VF's address lists in step. Not planned: the reason for it is no part of an observation."""


@dataclass(frozen=True, slots=True)
class FollowVlans(Action):
    """Let the synthetic NIC's VLANs into the VF; not planned, as FollowLists."""


@dataclass(frozen=True, slots=True, eq=False)
class StepInProgress:
    """One step while it is taken; equal to itself alone. `since` is in seconds of the clock."""

    action: Action
    since: float


class CurrentStep:
    """The step that is being taken. One thread takes steps, one other looks; each writes one reference."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = ProcessClock() if clock is None else clock
        self._step: StepInProgress | None = None
        self._given_up: StepInProgress | None = None
        self._sign_of_life = self._clock()
        self._patience = 1.0

    @contextmanager
    def step(self, action: Action) -> Iterator[Callable[[], bool]]:
        """Take a step for the time of the block; what it yields tells whether it was given up meanwhile."""
        step = self._step = StepInProgress(action, self._clock())
        try:
            yield lambda: self._given_up is step
        finally:
            self._step = None
            self.lives()

    @contextmanager
    def compiling(self) -> Iterator[None]:
        """Let the block take longer than a step may: no driver is asked, a process of ours computes."""
        self._patience = _COMPILER_PATIENCE
        try:
            yield
        finally:
            self._patience = 1.0
            self.lives()

    def lives(self) -> None:
        """Take note of progress: what was waited for until now is over."""
        self._sign_of_life = self._clock()

    def overdue(self, limit_s: float) -> StepInProgress | None:
        """Return the step that takes longer than `limit_s`."""
        step = self._step
        return step if step is not None and self._clock() - step.since >= limit_s else None

    def lost(self, limit_s: float) -> bool:
        """Tell whether no step is taken, and none was for `limit_s`: it is a look that does not return."""
        return self._step is None and self._clock() - self._sign_of_life >= limit_s * self._patience

    def give_up(self, step: StepInProgress) -> None:
        """Have whoever takes the step know that the pair is changed meanwhile."""
        self._given_up = step
