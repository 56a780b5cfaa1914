# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's clocks, as the BPF programs read them and as this process does.

A change of path is stamped with bpf_ktime_get_boot_ns(): CLOCK_BOOTTIME goes on while the machine is
suspended, so the time of day of a stamp is right after a suspend as well. It is worked out when it is asked
for, so a clock that was set meanwhile is taken as right for what happened before, too.

Programs read the machine's clocks. In a time namespace (time_namespaces(7)) ours are shifted, by offsets that
are fixed once a process is in it.
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
    """By how many ns this process's clocks are ahead of the machine's."""

    monotonic: int = 0
    boottime: int = 0


def parse_shifts(text: str) -> Shifts:
    """Take /proc/PID/timens_offsets apart: lines of clock, seconds, nanoseconds. Pure."""
    found = {}
    for line in text.splitlines():
        clock, seconds, nanoseconds = line.split()
        found[clock] = int(seconds) * _SECOND + int(nanoseconds)
    return Shifts(found.get("monotonic", 0), found.get("boottime", 0))


@cache
def own_shifts() -> Shifts:
    """Return those of this process's time namespace; none where the kernel has no time namespaces.

    The file tells of the namespace that children are born in (proc_timens_show_offsets(), kernel/time/
    namespace.c). It is ours too, but in a process that went on after unshare(CLONE_NEWTIME) without exec.
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
        """Return the time of day of a moment of the machine's CLOCK_BOOTTIME.

        Any two processes return the same as long as the clock is not set.
        """
        return self.utc_converter()(boottime)

    def utc_converter(self) -> Callable[[int], datetime]:
        """Return utc() for many moments, by the clocks as they are now: reading them is all that it costs."""
        ahead = self._ahead()

        def utc(boottime: int) -> datetime:
            seconds, rest = divmod((boottime + ahead) // 1000, 1_000_000)
            return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)

        return utc

    def monotonic_of(self, boottime: int) -> int:
        """Return what the machine's CLOCK_MONOTONIC said then, had there been no suspend since."""
        return boottime - self._suspended()

    def own_monotonic_s(self, boottime: int) -> float:
        """Return a moment of the machine's CLOCK_BOOTTIME as time.monotonic() here, likewise."""
        return (self.monotonic_of(boottime) + self.shifts().monotonic) / _SECOND

    def _ahead(self) -> int:
        """Return how far CLOCK_REALTIME is ahead of the machine's CLOCK_BOOTTIME.

        The coarse clocks stand still from tick to tick, and their distance is exact. Slewing (adjtimex(2))
        changes the rate of all clocks alike: only setting the clock changes their distance.
        """
        while True:
            realtime, monotonic = self.read(_REALTIME_COARSE), self.read(_MONOTONIC_COARSE)
            if self.read(_REALTIME_COARSE) == realtime:
                break
        return realtime - (monotonic - self.shifts().monotonic) - self._suspended()

    def _suspended(self) -> int:
        """Return how long the machine has been suspended since boot.

        There is no coarse CLOCK_BOOTTIME. The narrowest of some looks is right to a fraction of a
        microsecond; to whole tens of them it is the same each time, and 0 where there was no suspend.
        """
        looks = []
        for _ in range(_TRIES):
            before, boottime, after = self.monotonic(), self.boottime(), self.monotonic()
            looks.append((after - before, boottime - (before + after) // 2))
        _, distance = min(looks)
        return round(distance / _GRID_NS) * _GRID_NS


CLOCKS = Clocks()
"""Of this machine and process."""
