# SPDX-License-Identifier: GPL-2.0-only
"""What `make bench-announce-guest` measures, on both sides of the guest's wall."""

import time
from dataclasses import dataclass

_ROUNDS = 200_000
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Job:
    """What to measure."""

    times: int
    held_ms: int
    """For how long RTNL is held each time."""
    rate: int
    """Packets a second."""


@dataclass(frozen=True, slots=True)
class Unplugged:
    """What one unplug did. Times are ms since the kernel left the VF, which is before its driver stops it."""

    sent: int
    """Packets from the unplug on."""
    lost_before_stop: int
    """Of those, lost and sent before the VF's driver had stopped it."""
    lost_after_stop: int
    duplicates: int
    receiver_drops: int
    stopped_ms: float
    """When the VF's driver had stopped it; RTNL is held from before the kernel left the VF."""
    held_ms: float
    """How long RTNL was held from then on."""
    announced_ms: list[float]
    """When announcements arrived at the peer."""

    @property
    def in_time(self) -> bool:
        """Whether the first one arrived while RTNL was held."""
        return bool(self.announced_ms) and self.announced_ms[0] < self.stopped_ms + self.held_ms


def python_s() -> float:
    """Return how long this processor takes for a fixed piece of Python, in seconds."""
    return min(_python_once() for _ in range(_TRIES))


def _python_once() -> float:
    begin = time.perf_counter()
    total = 0
    for number in range(_ROUNDS):
        total += number & 3
    return time.perf_counter() - begin
