# SPDX-License-Identifier: GPL-2.0-only
"""Flap damping as in RFC 2439: a VF that fails often is not used for a while.

Each failure adds a penalty, which halves every half-life. Above the suppress threshold the permission is
withdrawn, below the reuse threshold it is given again. The penalty has a ceiling, so that a VF that failed
for hours is not suppressed for hours more.

With the defaults, two or three flaps of a VM that boots on Azure have no effect, however close they are; the
fourth within about eight minutes suppresses the VF. It is used again after 10 to 26 minutes without failures,
and then a single failure suppresses it again: because the thresholds are close, a VF that fails only while it
is in use is tried less than five times an hour.
"""

import math
from dataclasses import dataclass, replace
from typing import Annotated

from netvsc_bpf.model.path import Reason
from netvsc_bpf.model.setting import Contradiction, Setting

LOSSES = frozenset(
    {
        Reason.VF_DOWN,
        Reason.NO_CARRIER,
        Reason.VF_DETACHED,
        Reason.VF_GONE,
        Reason.TX_TIMEOUT,
        Reason.STALLED,
        Reason.UNREACHABLE,
    }
)
"""Reasons of leaving that are no decision of netvsc-bpf or the operator.

With the return policy `manual` each of them is the last (ebpf/latch.h).
"""

FAILURES = LOSSES - {Reason.VF_GONE}
"""Those that count as failures. A removal is a decision of the host, as before a live migration."""


@dataclass(frozen=True, slots=True)
class DampingPolicy:
    """A VF that fails often is not used for a while, as in RFC 2439.

    Thresholds have no unit, times are in seconds. Raises Contradiction if they exclude each other.
    """

    penalty: Annotated[float, Setting("The penalty of one failure.", above=0, most=1e9)] = 1000.0
    half_life_s: Annotated[
        float, Setting("The time in which the penalty halves, in seconds.", least=1, most=604_800)
    ] = 1800.0
    suppress: Annotated[float, Setting("Above this penalty the VF is no longer used.", above=0, most=1e9)] = (
        3500.0
    )
    reuse: Annotated[float, Setting("Below this penalty it is used again.", above=0, most=1e9)] = 2750.0
    ceiling: Annotated[
        float, Setting("The maximum penalty, however long the VF has been failing.", above=0, most=1e9)
    ] = 5000.0

    def __post_init__(self) -> None:
        if self.reuse >= self.suppress:
            why = f"reuse ({self.reuse:g}) must be below suppress ({self.suppress:g})"
            raise Contradiction("cannot damp", why, fields=("reuse", "suppress"))
        if self.suppress >= self.ceiling:
            why = (
                f"suppress ({self.suppress:g}) must be below ceiling ({self.ceiling:g}), or nothing is damped"
            )
            raise Contradiction("cannot damp", why, fields=("suppress", "ceiling"))


@dataclass(frozen=True, slots=True)
class Damper:
    """The penalty of one pair as of `at` (CLOCK_MONOTONIC seconds)."""

    policy: DampingPolicy
    figure: float = 0.0
    at: float = 0.0
    suppressed: bool = False

    def decayed(self, now: float) -> "Damper":
        """Return the state at a later time."""
        figure = self.figure * self._decay(now - self.at)
        suppressed = self.suppressed and figure > self.policy.reuse
        return replace(self, figure=figure, at=max(now, self.at), suppressed=suppressed)

    def failed(self, when: float) -> "Damper":
        """Return the state after a failure; the penalty of one that is reported late has decayed already."""
        now = max(when, self.at)
        settled = self.decayed(now)
        penalty = self.policy.penalty * self._decay(now - when)
        figure = min(self.policy.ceiling, settled.figure + penalty)
        return replace(settled, figure=figure, suppressed=settled.suppressed or figure > self.policy.suppress)

    def with_policy(self, policy: DampingPolicy) -> "Damper":
        """Return the state with another policy, which applies at once, not at the next failure."""
        figure = min(policy.ceiling, self.figure)
        suppressed = figure > (policy.reuse if self.suppressed else policy.suppress)
        return replace(self, policy=policy, figure=figure, suppressed=suppressed)

    def reuse_in_s(self, now: float) -> float | None:
        """Return the seconds until the VF may be used again, None if it may be used now."""
        settled = self.decayed(now)
        if not settled.suppressed:
            return None
        return self.policy.half_life_s * math.log2(settled.figure / self.policy.reuse)

    def _decay(self, elapsed_s: float) -> float:
        return math.exp2(-max(0.0, elapsed_s) / self.policy.half_life_s)
