# SPDX-License-Identifier: GPL-2.0-only
"""VFs that are up, have carrier, and swallow frames: when is that certain, and when are they tried again?

The evidence is two counters: what steer redirected to the VF, and what the VF's driver says it transmitted
(rtnl_link_stats64.tx_packets). While the first grows and the second does not move at all, nothing gets out:
a stopped queue, a dead device behind a live driver, a filter that drops everything.

A single movement of the VF's counter is proof of life, so one of several queues that stops is not seen here;
for that the kernel has its own watchdog (dev_watchdog(), net/sched/sch_generic.c), which the sentinel hears.
"""

from dataclasses import dataclass, replace
from typing import Annotated

from netvsc_bpf.model.path import Reason
from netvsc_bpf.model.setting import Contradiction, Setting

HOLD_REASONS = {
    Reason.TX_TIMEOUT: "did not transmit, says the kernel's watchdog",
    Reason.STALLED: "was given up, as it or its driver did not answer",
}
"""Reasons of leaving after which a VF is held back, since it would seem usable again at once; in words."""


@dataclass(frozen=True, slots=True)
class StallPolicy:
    """A VF that is up with carrier and transmits nothing of what it is given is held back for a while.

    Drivers may count late: some fetch the device's counters once in one or two seconds. A VF is therefore
    stalled only if `least_packets` were redirected, and none was counted at `intervals` looks after that: 5
    seconds by default. Fewer packets prove little, since some may have been dropped for good reasons before
    the driver. Raises Contradiction if the holds exclude each other.
    """

    enabled: Annotated[bool, Setting("Watch for it at all.")] = True
    interval_s: Annotated[float, Setting("Look once in this time, in seconds.", least=0.1, most=60)] = 1.0
    intervals: Annotated[
        int, Setting("At how many looks in a row nothing may have moved.", least=1, most=1000)
    ] = 5
    least_packets: Annotated[
        int, Setting("So many packets it must have been given before.", least=1, most=1_000_000)
    ] = 8
    hold_s: Annotated[
        float,
        Setting(
            "It is used again after this time, in seconds; the next time after twice as long.",
            least=0.1,
            most=86_400,
        ),
    ] = 30.0
    hold_most_s: Annotated[
        float,
        Setting(
            "The longest hold, in seconds; and how long after a hold it must have worked for the next to be "
            "short again.",
            least=0.1,
            most=86_400,
        ),
    ] = 900.0

    def __post_init__(self) -> None:
        if self.hold_s > self.hold_most_s:
            why = f"hold_s ({self.hold_s:g}) must not be above hold_most_s ({self.hold_most_s:g})"
            raise Contradiction("cannot hold VFs", why, fields=("hold_s", "hold_most_s"))

    def pause_s(self, last_s: float, *, moving: bool) -> float:
        """Return in how many seconds to look again, after a pause of `last_s`.

        While nothing is redirected each pause is twice as long as the last, up to the time of a verdict: a
        stall that begins then is found up to that much later.
        """
        return self.interval_s if moving else min(2 * last_s, self.intervals * self.interval_s)


@dataclass(frozen=True, slots=True)
class Standstill:
    """One VF that is the path, from look to look, since its counter moved last."""

    vf: int
    """Its ifindex."""
    changed_at: int
    """CLOCK_BOOTTIME ns of the pair's last change of path: with another one everything begins anew."""
    redirected: int
    """Packets that steer had sent to it when its counter moved last."""
    transmitted: int
    """Packets that it said it had transmitted."""
    seen: int
    """Packets redirected at the last look."""
    looks: int = 0
    """Looks since enough were redirected, at all of which the counter stood still."""

    @classmethod
    def start(cls, vf: int, changed_at: int, redirected: int, transmitted: int) -> "Standstill":
        """Return the state at a first look."""
        return cls(vf, changed_at, redirected, transmitted, redirected)

    def concerns(self, vf: int, changed_at: int, redirected: int) -> bool:
        """Return whether it is still the same VF, in use without interruption, counted by the same counter."""
        return (self.vf, self.changed_at) == (vf, changed_at) and redirected >= self.seen

    def idle(self, redirected: int, policy: StallPolicy) -> bool:
        """Return whether there is nothing to look at: nothing new was redirected, and no verdict is due."""
        return redirected == self.seen and self.untransmitted < policy.least_packets

    def observed(self, redirected: int, transmitted: int, policy: StallPolicy) -> "Standstill":
        """Return the state after a look at both counters."""
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
    """One stall: of the pair of this synthetic NIC (ifindex) the VF, at CLOCK_MONOTONIC seconds."""

    ifindex: int
    vf: int
    when: float
    why: str
    """For people: what the VF did, or did not."""
    reason: Reason = Reason.STALLED


@dataclass(frozen=True, slots=True)
class Hold:
    """How long a VF that stalled is left alone. Times are CLOCK_MONOTONIC seconds."""

    vf: int = 0
    """The ifindex of the VF; one that is plugged in instead is another device, and not held."""
    until: float = 0.0
    length_s: float = 0.0

    def stalled(self, vf: int, when: float, policy: StallPolicy) -> "Hold":
        """Return the state after a stall. One that is told twice counts once: what is held cannot stall."""
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
        """Return in how many seconds the hold ends, None if there is none."""
        return self.until - now if now < self.until else None
