# SPDX-License-Identifier: GPL-2.0-only
"""The drain of a pair, as requested by an operator, and its limits."""

from dataclasses import dataclass
from datetime import datetime

MAX_WHY_BYTES = 200
"""The maximum length of the reason, in bytes of UTF-8."""
MIN_FOR_S = 1.0
MAX_FOR_S = 366 * 86_400.0
LINGER_S = 0.2
"""How long the VF stays up after egress left it, so that frames in flight arrive and switches learn."""


@dataclass(frozen=True, slots=True)
class Drain:
    """A drain. Times are ns of CLOCK_BOOTTIME, outside of any time namespace."""

    at: int
    """When it began."""
    until: int | None = None
    """When it expires; None: only `undrain` ends it."""
    why: str = ""
    """The operator's reason, unchanged: it may contain any character but NUL."""

    def is_over(self, now: int) -> bool:
        """Return whether it has expired."""
        return self.until is not None and now >= self.until

    def lingers(self, now: int) -> bool:
        """Return whether it is so recent that the VF still stays up (LINGER_S)."""
        return now < self.at + LINGER_S * 1e9

    def wait_s(self, now: int) -> float | None:
        """Return the seconds until an action is due, None if none is."""
        if self.lingers(now):
            return self.at / 1e9 + LINGER_S - now / 1e9
        return None if self.until is None else max(0.0, (self.until - now) / 1e9)


@dataclass(frozen=True, slots=True)
class Drained:
    """A drain with times of day, for output."""

    since: datetime
    until: datetime | None = None
    why: str = ""
