# SPDX-License-Identifier: GPL-2.0-only
"""A clock that does not advance while this process is stopped."""

import time
from collections.abc import Callable
from threading import Lock


class ProcessClock:
    """Seconds; advances by at most `most_s` from one reading to the next.

    CLOCK_MONOTONIC advances while a process is stopped (SIGSTOP) or the host has paused the machine, although
    a driver that was called just before has not been at work for all that time. A thread that waits with a
    timeout reads this clock repeatedly meanwhile. Any thread may read it.
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
