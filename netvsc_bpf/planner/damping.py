# SPDX-License-Identifier: GPL-2.0-only
"""Flap damping in the manner of RFC 2439: a VF that fails often is left alone for a while.

Each time that the path leaves the VF costs a penalty, which halves every half-life. Above the suppress
threshold the permission is withdrawn, below the reuse threshold it is given again. The penalty has a ceiling,
so that a VF that was bad for hours is not punished for hours more.
"""

import math
from dataclasses import dataclass, replace

from netvsc_bpf.model.path import Reason


FAILURES = frozenset(
    {Reason.VF_DOWN, Reason.NO_CARRIER, Reason.VF_DETACHED, Reason.VF_GONE, Reason.TX_TIMEOUT}
)
"""Reasons of leaving that count against the VF; the others are ours or the operator's."""


@dataclass(frozen=True, slots=True)
class DampingPolicy:
    """Thresholds without unit, times in seconds. One leaving costs `penalty`."""

    penalty: float = 1000.0
    half_life_s: float = 300.0
    suppress: float = 4000.0
    reuse: float = 1000.0
    ceiling: float = 8000.0


@dataclass(frozen=True, slots=True)
class Damper:
    """The penalty of one pair as of `at` (CLOCK_MONOTONIC seconds)."""

    policy: DampingPolicy
    figure: float = 0.0
    at: float = 0.0
    suppressed: bool = False

    def decayed(self, now: float) -> "Damper":
        """Return the state at a later moment."""
        elapsed = max(0.0, now - self.at)
        figure = self.figure * math.exp2(-elapsed / self.policy.half_life_s)
        suppressed = self.suppressed and figure > self.policy.reuse
        return replace(self, figure=figure, at=max(now, self.at), suppressed=suppressed)

    def left(self, now: float, times: int = 1) -> "Damper":
        """Return the state after the path left the VF."""
        settled = self.decayed(now)
        figure = min(self.policy.ceiling, settled.figure + times * self.policy.penalty)
        return replace(settled, figure=figure, suppressed=settled.suppressed or figure > self.policy.suppress)

    def reuse_in_s(self, now: float) -> float | None:
        """Return in how many seconds the VF may be used again, None where it may now."""
        settled = self.decayed(now)
        if not settled.suppressed:
            return None
        return self.policy.half_life_s * math.log2(settled.figure / self.policy.reuse)
