# SPDX-License-Identifier: GPL-2.0-only
"""A clock that stands still while this process does: what nobody was there to see, took no time."""

import time
from collections.abc import Callable
from threading import Lock


class ProcessClock:
    """Seconds, of which no more than `most_s` go by from one reading to the next.

    CLOCK_MONOTONIC goes on while a process is stopped (SIGSTOP), or the host has paused the whole machine: a
    driver that was asked just before has not been silent for all that time. Whoever waits for something reads
    this clock again and again meanwhile. Any thread may.
    """

    def __init__(self, most_s: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_s, self._clock = most_s, clock
        self._lock = Lock()
        self._read_at, self._now = clock(), 0.0

    def __call__(self) -> float:
        """Return the time."""
        with self._lock:
            now = self._clock()
            self._now += min(now - self._read_at, self._most_s)
            self._read_at = now
            return self._now
