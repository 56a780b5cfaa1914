# SPDX-License-Identifier: GPL-2.0-only
"""The step that the reconciling thread is taking, for another thread that acts if it does not return."""

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
    """Sync the VF's address lists. Not planned: the lists are not part of an observation."""


@dataclass(frozen=True, slots=True)
class FollowVlans(Action):
    """Let the synthetic NIC's VLANs into the VF; not planned either, see FollowLists."""


@dataclass(frozen=True, slots=True)
class FollowOffloads(Action):
    """Give the VF the synthetic NIC's receive offloads; not planned either, see FollowLists."""


@dataclass(frozen=True, slots=True, eq=False)
class StepInProgress:
    """One step in progress, compared by identity. `since` is in seconds of the clock."""

    action: Action
    since: float


class CurrentStep:
    """The current step. One thread takes steps, another one checks; each writes one reference."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = ProcessClock() if clock is None else clock
        self._step: StepInProgress | None = None
        self._given_up: StepInProgress | None = None
        self._sign_of_life = self._clock()
        self._patience = 1.0

    @contextmanager
    def step(self, action: Action) -> Iterator[Callable[[], bool]]:
        """Mark the block as a step; it yields a function that returns whether the step was given up."""
        step = self._step = StepInProgress(action, self._clock())
        try:
            yield lambda: self._given_up is step
        finally:
            self._step = None
            self.lives()

    @contextmanager
    def compiling(self) -> Iterator[None]:
        """Allow the block to take longer than a step: it waits for the compiler, not for a driver."""
        self._patience = _COMPILER_PATIENCE
        try:
            yield
        finally:
            self._patience = 1.0
            self.lives()

    def lives(self) -> None:
        """Note progress: whatever was waited for has returned."""
        self._sign_of_life = self._clock()

    def overdue(self, limit_s: float) -> StepInProgress | None:
        """Return the current step if it has taken longer than `limit_s`."""
        step = self._step
        return step if step is not None and self._clock() - step.since >= limit_s else None

    def lost(self, limit_s: float) -> bool:
        """Return whether there was no step and no progress for `limit_s`: an observation does not return."""
        return self._step is None and self._clock() - self._sign_of_life >= limit_s * self._patience

    def give_up(self, step: StepInProgress) -> None:
        """Notify the thread that takes the step that its pair is being changed meanwhile."""
        self._given_up = step
