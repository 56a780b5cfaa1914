# SPDX-License-Identifier: GPL-2.0-only
"""A pair that an operator had leave its VF: what was asked for, and its limits."""

from dataclasses import dataclass
from datetime import datetime

MAX_WHY_BYTES = 200
"""Bytes of the reason, in UTF-8."""
MIN_FOR_S = 1.0
MAX_FOR_S = 366 * 86_400.0
LINGER_S = 0.2
"""How long the VF stays up after egress left it: what is on its way to it arrives, and switches learn."""


@dataclass(frozen=True, slots=True)
class Drain:
    """What was asked for. Moments are ns of CLOCK_BOOTTIME, outside of any time namespace."""

    at: int
    """When it began."""
    until: int | None = None
    """When it ends by itself; None: only `undrain` ends it."""
    why: str = ""
    """What the operator gave as the reason, as it was given: it may hold anything but NUL."""

    def is_over(self, now: int) -> bool:
        """Return whether its time has come."""
        return self.until is not None and now >= self.until

    def lingers(self, now: int) -> bool:
        """Return whether it is so new that the VF stays up a moment longer."""
        return now < self.at + LINGER_S * 1e9

    def wait_s(self, now: int) -> float | None:
        """Return in how many seconds something is due for it, None if nothing is."""
        if self.lingers(now):
            return self.at / 1e9 + LINGER_S - now / 1e9
        return None if self.until is None else max(0.0, (self.until - now) / 1e9)


@dataclass(frozen=True, slots=True)
class Drained:
    """The same for people and programs: times of day."""

    since: datetime
    until: datetime | None = None
    why: str = ""
