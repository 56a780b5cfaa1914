# SPDX-License-Identifier: GPL-2.0-only
"""Detects VFs that are up with carrier but transmit nothing, and decides when they are used again.

Two counters are compared: the packets that steer redirected to the VF, and those that its driver transmitted
(rtnl_link_stats64.tx_packets). If the first grows and the second does not change at all, nothing is sent: a
queue is stopped, the device is dead but its driver is not, or a filter drops everything.

Any change of the VF's counter shows that it works, so one stopped queue of several is not detected here; the
kernel's own watchdog (dev_watchdog(), net/sched/sch_generic.c) detects that, and the watchdog program leaves
the VF then.
"""

from dataclasses import dataclass, replace
from typing import Annotated

from netvsc_bpf.model.path import Reason
from netvsc_bpf.model.setting import Contradiction, Setting

HOLD_REASONS = {
    Reason.TX_TIMEOUT: "had a transmit timeout, reported by the kernel's watchdog",
    Reason.STALLED: "did not answer in time, or its driver did not",
}
"""Reasons of leaving after which a VF is held, because it would look usable again at once; in words."""
HOLDS = frozenset({Reason.STALLED, Reason.UNREACHABLE})
"""What `status` shows while a VF is held."""


@dataclass(frozen=True, slots=True)
class StallPolicy:
    """A VF that is up with carrier but transmits none of its packets is held (not used) for a while.

    Drivers may count late: some read the device's counters once in one or two seconds. A VF is therefore
    stalled only if `least_packets` were redirected, and none was counted in `intervals` checks after that: 5
    seconds by default. Fewer packets prove little, because some may legitimately have been dropped before the
    driver. Raises Contradiction if the holds exclude each other.
    """

    enabled: Annotated[bool, Setting("Detect stalls.")] = True
    interval_s: Annotated[float, Setting("Time between two checks, in seconds.", least=0.1, most=60)] = 1.0
    intervals: Annotated[
        int, Setting("Checks in a row without progress after which the VF is stalled.", least=1, most=1000)
    ] = 5
    least_packets: Annotated[
        int, Setting("Packets that must have been redirected to the VF before.", least=1, most=1_000_000)
    ] = 8
    hold_s: Annotated[
        float,
        Setting(
            "How long a stalled VF is not used, in seconds; twice as long after each further stall.",
            least=0.1,
            most=86_400,
        ),
    ] = 30.0
    hold_most_s: Annotated[
        float,
        Setting(
            "The longest hold, in seconds. After working for this long, the next hold is short again.",
            least=0.1,
            most=86_400,
        ),
    ] = 900.0

    def __post_init__(self) -> None:
        if self.hold_s > self.hold_most_s:
            why = f"hold_s ({self.hold_s:g}) must not be above hold_most_s ({self.hold_most_s:g})"
            raise Contradiction("cannot hold VFs", why, fields=("hold_s", "hold_most_s"))

    def pause_s(self, last_s: float, *, moving: bool) -> float:
        """Return the seconds until the next check, after a pause of `last_s`.

        While nothing is redirected each pause is twice as long as the last, up to the time of a verdict: so a
        stall that begins then is detected up to that much later.
        """
        return self.interval_s if moving else min(2 * last_s, self.intervals * self.interval_s)


@dataclass(frozen=True, slots=True)
class Standstill:
    """State of a VF in use between checks, since its counter last changed."""

    vf: int
    """Its ifindex."""
    changed_at: int
    """CLOCK_BOOTTIME ns of the pair's last change of path: a new change resets the state."""
    redirected: int
    """Packets that steer had redirected to it when its counter last changed."""
    transmitted: int
    """Packets that its driver has counted as transmitted."""
    seen: int
    """Packets redirected at the last check."""
    looks: int = 0
    """Checks without a change of the counter since enough packets were redirected."""

    @classmethod
    def start(cls, vf: int, changed_at: int, redirected: int, transmitted: int) -> "Standstill":
        """Return the state at the first check."""
        return cls(vf, changed_at, redirected, transmitted, redirected)

    def concerns(self, vf: int, changed_at: int, redirected: int) -> bool:
        """Return whether it is still the same VF, in use without interruption, with the same counter."""
        return (self.vf, self.changed_at) == (vf, changed_at) and redirected >= self.seen

    def idle(self, redirected: int, policy: StallPolicy) -> bool:
        """Return whether no check is needed: nothing new was redirected, and no verdict is due."""
        return redirected == self.seen and self.untransmitted < policy.least_packets

    def observed(self, redirected: int, transmitted: int, policy: StallPolicy) -> "Standstill":
        """Return the state after a check of both counters."""
        if transmitted != self.transmitted:
            return Standstill.start(self.vf, self.changed_at, redirected, transmitted)
        enough = self.untransmitted >= policy.least_packets
        return replace(self, seen=redirected, looks=self.looks + enough)

    def stalled(self, policy: StallPolicy) -> bool:
        """Return whether the VF is stalled."""
        return self.looks >= policy.intervals

    @property
    def untransmitted(self) -> int:
        """Packets that were redirected and not transmitted."""
        return self.seen - self.redirected


@dataclass(frozen=True, slots=True)
class Stall:
    """One stall of the VF of a pair (ifindexes), at CLOCK_MONOTONIC seconds."""

    ifindex: int
    vf: int
    when: float
    why: str
    """Description for users."""
    reason: Reason = Reason.STALLED
    least_s: float = 0.0
    """It is held for at least this long: until it is known whether the VF was at fault."""


@dataclass(frozen=True, slots=True)
class Hold:
    """How long a VF that stalled, or reached nothing, is not used. Times are CLOCK_MONOTONIC seconds."""

    vf: int = 0
    """The ifindex of the VF; a replacement has another one, and is not held."""
    until: float = 0.0
    length_s: float = 0.0
    reason: Reason = Reason.STALLED
    """What `status` shows meanwhile."""

    def began(self, stall: Stall, policy: StallPolicy) -> "Hold":
        """Return the state after a stall, or after the probe found the VF unreachable."""
        hold = self.stalled(stall.vf, stall.when, policy)
        if hold is self:
            return self
        shown = Reason.UNREACHABLE if stall.reason is Reason.UNREACHABLE else Reason.STALLED
        length = max(hold.length_s, stall.least_s)
        return replace(hold, reason=shown, length_s=length, until=stall.when + length)

    def lifted(self, vf: int, now: float) -> "Hold":
        """Return the state after it was found that the VF was not at fault; a stall stays one."""
        if not self.is_active(vf, now) or self.reason is not Reason.UNREACHABLE:
            return self
        return Hold()

    def stalled(self, vf: int, when: float, policy: StallPolicy) -> "Hold":
        """Return the state after a stall. A duplicate report is ignored: a held VF cannot stall."""
        if self.is_active(vf, when):
            return self
        peaceful = when - self.until >= policy.hold_most_s
        longer = policy.hold_s if peaceful or not self.length_s else 2 * self.length_s
        length = min(policy.hold_most_s, longer)
        return Hold(vf, when + length, length)

    def is_active(self, vf: int | None, now: float) -> bool:
        """Return whether this VF is held."""
        return vf == self.vf and now < self.until

    def left_s(self, now: float) -> float | None:
        """Return the seconds until the hold ends, None if there is none."""
        return self.until - now if now < self.until else None
