# SPDX-License-Identifier: GPL-2.0-only
"""Which packets were lost, and to whom: the unplug, the hypervisor's own pause, or anything else. Pure.

All times are CLOCK_MONOTONIC ns of this machine: those of the peer, and QEMU's. The guest's clock stands
still while it is paused.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

AFTER_S = 1.0
"""What is lost until then after the VF is gone is lost to the unplug: a detection may be slow."""


class Phase(StrEnum):
    """When a packet was lost."""

    DRIVER = "driver"
    """At the unplug, before the kernel left the VF: its driver drops what it gets once it began to close. In
    the other direction: before the bridge heard the guest by the other port."""
    UNPLUG = "unplug"
    """At the unplug, after that."""
    PAUSE = "pause"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Times:
    """One migration: when the VF was unplugged, the guest paused, the VF plugged in again, and used again."""

    unplug: int
    unplugged: int
    stop: int
    resume: int
    plug: int
    used: int | None

    @property
    def pause_ms(self) -> float:
        """For how long the guest stood still."""
        return (self.resume - self.stop) / 1e6

    @property
    def used_after_ms(self) -> float | None:
        """From plugging the VF in until the first frame that the guest sent by it; None if it sent none."""
        return None if self.used is None else (self.used - self.plug) / 1e6


@dataclass(frozen=True, slots=True)
class Gap:
    """Consecutive packets that were lost, and when the two around them were sent or arrived."""

    first: int
    count: int
    begin: int
    end: int

    def phase(self, times: Sequence[Times]) -> Phase:
        """Return what they were lost to. A gap that the pause is in was lost to the pause."""
        if any(self.begin < one.resume and self.end > one.stop for one in times):
            return Phase.PAUSE
        after = round(AFTER_S * 1e9)
        if any(self.begin < one.unplugged + after and self.end > one.unplug for one in times):
            return Phase.UNPLUG
        return Phase.OTHER


def to_guest(sent: Sequence[int], arrived: Iterable[Sequence[int]]) -> list[Gap]:
    """Return what the peer sent at these times and the guest did not get: it got these ranges of numbers.

    What was sent before the first that arrived is not counted: the guest was not listening yet.
    """
    gaps, ranges = list[Gap](), [tuple(one) for one in arrived]
    if not ranges:
        return [Gap(0, len(sent), sent[0], sent[-1])] if sent else []
    ends = [*ranges[1:], (len(sent), len(sent))]
    for (_, last), (begin, _) in zip(ranges, ends, strict=True):
        if begin > last + 1:
            gaps.append(Gap(last + 1, begin - last - 1, sent[last], sent[min(begin, len(sent) - 1)]))
    return gaps


def from_guest(sent: int, arrived: Iterable[Sequence[int]]) -> list[Gap]:
    """Return what the guest sent, this many, and the peer did not get: these pairs of number and time."""
    gaps, seen = list[Gap](), sorted({number: at for number, at in reversed(list(arrived))}.items())
    if not seen:
        return [Gap(0, sent, 0, 0)] if sent else []
    for (number, at), (later, after) in itertools.pairwise(seen):
        if later > number + 1:
            gaps.append(Gap(number + 1, later - number - 1, at, after))
    number, at = seen[-1]
    if sent > number + 1:
        gaps.append(Gap(number + 1, sent - number - 1, at, at))
    return gaps


def lost(gaps: Iterable[Gap], times: Sequence[Times], by_driver: Callable[[int], bool]) -> dict[Phase, int]:
    """Return how many packets were lost to each; `by_driver` says it of a number that the unplug took."""
    found = dict.fromkeys(Phase, 0)
    for gap in gaps:
        phase = gap.phase(times)
        numbers = range(gap.first, gap.first + gap.count) if phase is Phase.UNPLUG else ()
        excused = sum(map(by_driver, numbers))
        found[Phase.DRIVER] += excused
        found[phase] += gap.count - excused
    return found
