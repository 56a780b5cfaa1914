# SPDX-License-Identifier: GPL-2.0-only
"""What the manager remembers of a pair between turns; losing it costs only time. Pure."""

from dataclasses import dataclass, field

from netvsc_bpf.model.path import Reason
from netvsc_bpf.planner.actions import Action, Withdraw
from netvsc_bpf.planner.damping import Damper, DampingPolicy
from netvsc_bpf.planner.flaps import failed_meanwhile
from netvsc_bpf.planner.lost_link import LostLink
from netvsc_bpf.planner.observation import PairObservation
from netvsc_bpf.planner.removals import Charges
from netvsc_bpf.planner.stall import Hold

_RETRY_S = (0.1, 0.5, 2.0, 10.0, 30.0)
"""How long to wait after the first, second, ... failure in a row."""
_STEPS_AT_ONCE = 64.0
_STEPS_PER_S = 2.0
"""A VF that keeps coming and going takes about five steps each time.

If a pair needs more than these for long, something keeps undoing the changes, so steps are rate-limited.
"""
_STEPS_ANEW = 16.0
"""This many must be available again before steps continue."""


@dataclass(slots=True)
class Retry:
    """When to try again what failed. Times are CLOCK_MONOTONIC seconds."""

    failures: int = 0
    at: float = 0.0

    def failed(self, now: float) -> None:
        """Wait before the next attempt, longer with each failure in a row."""
        self.at = now + _RETRY_S[min(self.failures, len(_RETRY_S) - 1)]
        self.failures += 1


@dataclass(slots=True)
class PairMemory:
    """Times are CLOCK_MONOTONIC seconds."""

    charges: Charges
    hold: Hold = field(default_factory=Hold)
    link: LostLink = field(default_factory=LostLink)
    retry: Retry = field(default_factory=Retry)
    before: PairObservation | None = None
    steps_left: float = _STEPS_AT_ONCE
    steps_at: float = 0.0

    @property
    def damper(self) -> Damper:
        """The penalty."""
        return self.charges.damper

    def observed(self, seen: PairObservation, now: float) -> None:
        """Let the penalty decay, and count failures of a damped VF, which the kernel does not.

        A drain or undrain by an operator is acted upon at once, regardless of earlier failures.
        """
        self.charges = self.charges.decayed(now).observed(self.before, seen, now)
        vf = failed_meanwhile(self.before, seen) if self.damper.suppressed else None
        if vf is not None:
            self.charges = self.charges.failed(vf, now)
        if self.before is not None and _allowed(self.before) != _allowed(seen):
            # An operator's command does not count as an external change, however often it is given.
            self.steps_left, self.retry = _STEPS_AT_ONCE, Retry()
        self.before = seen
        self.link = self.link.observed(seen, now)

    def held(self, seen: PairObservation, now: float) -> Reason | None:
        """Return why the VF must not be used although it looks healthy: it stalled, or reached nothing."""
        active = seen.joined is not None and self.hold.is_active(seen.joined.vf.ifindex, now)
        return self.hold.reason if active else None

    def without_link(self, seen: PairObservation, now: float) -> bool:
        """Return whether the VF must be down because it lost its carrier."""
        return seen.joined is not None and self.link.is_active(seen.joined.vf.ifindex, now)

    def allowed(self, steps: list[Action], now: float) -> list[Action]:
        """Return the steps that may be taken now: after a failure only withdrawals for a while."""
        if now >= self.retry.at:
            return steps
        return [step for step in steps if isinstance(step, Withdraw)]

    def failed(self, now: float) -> None:
        """Wait before the next step, longer with each failure in a row."""
        self.retry.failed(now)

    def forgive(self, policy: DampingPolicy) -> None:
        """Forget all failures: an operator wants the VF to be used."""
        self.charges, self.hold, self.link = Charges(Damper(policy)), Hold(), LostLink()
        self.steps_left, self.retry = _STEPS_AT_ONCE, Retry()

    def settled(self) -> None:
        """Reset the failures: no steps are left."""
        self.retry = Retry()

    def took(self, steps: int, now: float) -> bool:
        """Note steps that were taken; return False if there have been far too many."""
        earned = max(0.0, now - self.steps_at) * _STEPS_PER_S
        self.steps_left = min(_STEPS_AT_ONCE, self.steps_left + earned) - steps
        self.steps_at = now
        if self.steps_left >= 0:
            return True
        self.retry.at = now + (_STEPS_ANEW - self.steps_left) / _STEPS_PER_S
        return False

    def held_back_for_s(self, now: float) -> float | None:
        """Return for how many seconds the VF will not be used, unless it fails again."""
        held = self.before is not None and self.held(self.before, now) is not None
        without = self.before is not None and self.without_link(self.before, now)
        waits = [self.damper.reuse_in_s(now), self.hold.left_s(now) if held else None]
        waits.append(self.link.wait_s(now) if without else None)
        return max((wait for wait in waits if wait is not None), default=None)

    def drained_wait_s(self, boottime: int) -> float | None:
        """Return in how many seconds to check a drain again, None if there is none or no need."""
        drained = None if self.before is None else self.before.drained
        return None if drained is None else drained.wait_s(boottime)

    def wait_s(self, now: float) -> float | None:
        """Return in how many seconds to reconcile again, None if nothing is pending."""
        waits = [self.retry.at - now] if self.retry.at > now else []
        if (reuse := self.damper.reuse_in_s(now)) is not None:
            waits.append(reuse)
        if (left := self.hold.left_s(now)) is not None:
            waits.append(left)
        if (look := self.link.wait_s(now)) is not None:
            waits.append(look)
        return min(waits, default=None)


def _allowed(seen: PairObservation) -> tuple[object, ...]:
    """Return what an operator says of the use of the VF."""
    return seen.drained, seen.pending
