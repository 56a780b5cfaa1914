# SPDX-License-Identifier: GPL-2.0-only
"""A machine whose clocks say what a test wants: it can be suspended, and its clock can be set."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from netvsc_bpf.kernel.process.clock import Clocks, Shifts

SECOND = 1_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
TICK_NS = 4_000_000


def as_ns(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


@dataclass
class Machine:
    """Its clocks run on by `step` with each look, as they do; `shifts` are those of a time namespace."""

    up: int = 1000 * SECOND
    """CLOCK_MONOTONIC outside of any time namespace, ns."""
    slept: int = 0
    wall: int = as_ns(NOON) - 1000 * SECOND
    """What CLOCK_REALTIME said at boot, sleep left out."""
    shifts: Shifts = field(default_factory=Shifts)
    step: int = 70

    @property
    def clocks(self) -> Clocks:
        return Clocks(self.read, lambda: self.shifts)

    def read(self, clock: int) -> int:
        self.up += self.step
        tick = self.up - self.up % TICK_NS
        monotonic = self.shifts.monotonic
        return {
            time.CLOCK_MONOTONIC: self.up + monotonic,
            6: tick + monotonic,
            time.CLOCK_BOOTTIME: self.up + self.slept + self.shifts.boottime,
            time.CLOCK_REALTIME: self.up + self.slept + self.wall,
            5: tick + self.slept + self.wall,
        }[clock]

    def stamp(self) -> int:
        """bpf_ktime_get_boot_ns()."""
        return self.up + self.slept

    def runs(self, seconds: float) -> None:
        self.up += round(seconds * SECOND)

    def is_suspended(self, seconds: float) -> None:
        self.slept += round(seconds * SECOND)

    def is_set(self, seconds: float) -> None:
        """Set the clock ahead by this many seconds."""
        self.wall += round(seconds * SECOND)
