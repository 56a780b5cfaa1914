# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's clocks, as read by the BPF programs and by this process.

A change of path has a timestamp of bpf_ktime_get_boot_ns(): CLOCK_BOOTTIME includes suspend, so the time of
day of a timestamp is correct after a suspend as well. It is computed on demand, so if the clock was set
meanwhile, the new setting also applies to earlier timestamps.

BPF programs read the machine's clocks. In a time namespace (time_namespaces(7)) the clocks of this process
are shifted, by offsets that are fixed once a process is in it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

_REALTIME_COARSE, _MONOTONIC_COARSE = 5, 6  # include/uapi/linux/time.h; Python's time has no names for them
_SECOND = 1_000_000_000
_GRID_NS = 10_000
_TRIES = 5
_OFFSETS = Path("/proc/self/timens_offsets")
_NAMESPACES = Path("/proc/self/ns")


@dataclass(frozen=True, slots=True)
class Shifts:
    """How far this process's clocks are ahead of the machine's, in ns."""

    monotonic: int = 0
    boottime: int = 0


def parse_shifts(text: str) -> Shifts:
    """Parse /proc/PID/timens_offsets: lines of clock, seconds, nanoseconds. Pure."""
    found = {}
    for line in text.splitlines():
        clock, seconds, nanoseconds = line.split()
        found[clock] = int(seconds) * _SECOND + int(nanoseconds)
    return Shifts(found.get("monotonic", 0), found.get("boottime", 0))


@cache
def own_shifts() -> Shifts:
    """Return the shifts of this process's time namespace; zeros if the kernel has no time namespaces.

    The file describes the namespace of new children (proc_timens_show_offsets(), kernel/time/namespace.c). It
    is also that of this process, except after unshare(CLONE_NEWTIME) without exec.
    """
    try:
        ours, childrens = ((_NAMESPACES / name).readlink() for name in ("time", "time_for_children"))
        return parse_shifts(_OFFSETS.read_text(encoding="ascii")) if ours == childrens else Shifts()
    except FileNotFoundError:
        return Shifts()


@dataclass(frozen=True, slots=True)
class Clocks:
    """The machine's clocks; all numbers are ns."""

    read: Callable[[int], int] = time.clock_gettime_ns
    shifts: Callable[[], Shifts] = own_shifts

    def boottime(self) -> int:
        """Return what bpf_ktime_get_boot_ns() returns now."""
        return self.read(time.CLOCK_BOOTTIME) - self.shifts().boottime

    def monotonic(self) -> int:
        """Return what bpf_ktime_get_ns() returns now."""
        return self.read(time.CLOCK_MONOTONIC) - self.shifts().monotonic

    def utc(self, boottime: int) -> datetime:
        """Return the time of day of a timestamp of the machine's CLOCK_BOOTTIME.

        All processes return the same as long as the clock is not set.
        """
        return self.utc_converter()(boottime)

    def utc_converter(self) -> Callable[[int], datetime]:
        """Return a utc() for many timestamps that reads the clocks only once, now."""
        ahead = self._ahead()

        def utc(boottime: int) -> datetime:
            seconds, rest = divmod((boottime + ahead) // 1000, 1_000_000)
            return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)

        return utc

    def monotonic_of(self, boottime: int) -> int:
        """Return the machine's CLOCK_MONOTONIC at that time, provided there was no suspend since."""
        return boottime - self._suspended()

    def own_monotonic_s(self, boottime: int) -> float:
        """Return a timestamp of the machine's CLOCK_BOOTTIME as time.monotonic() here, likewise."""
        return (self.monotonic_of(boottime) + self.shifts().monotonic) / _SECOND

    def _ahead(self) -> int:
        """Return how far CLOCK_REALTIME is ahead of the machine's CLOCK_BOOTTIME.

        The coarse clocks change at ticks only, so their difference is exact. Slewing (adjtimex(2)) changes
        the rate of all clocks alike: only setting the clock changes their difference.
        """
        while True:
            realtime, monotonic = self.read(_REALTIME_COARSE), self.read(_MONOTONIC_COARSE)
            if self.read(_REALTIME_COARSE) == realtime:
                break
        return realtime - (monotonic - self.shifts().monotonic) - self._suspended()

    def _suspended(self) -> int:
        """Return how long the machine has been suspended since boot.

        There is no coarse CLOCK_BOOTTIME. The fastest of several readings is exact to a fraction of a
        microsecond; rounded to tens of microseconds it is always the same, and 0 without a suspend.
        """
        readings = []
        for _ in range(_TRIES):
            before, boottime, after = self.monotonic(), self.boottime(), self.monotonic()
            readings.append((after - before, boottime - (before + after) // 2))
        _, distance = min(readings)
        return round(distance / _GRID_NS) * _GRID_NS


CLOCKS = Clocks()
"""The clocks of this machine and process."""
