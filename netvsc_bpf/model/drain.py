# SPDX-License-Identifier: GPL-2.0-only
"""The drain of a pair, as requested by an operator or for maintenance, and its limits."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

MAX_WHY_BYTES = 200
"""The maximum length of the reason, in bytes of UTF-8."""
MIN_FOR_S = 1.0
MAX_FOR_S = 366 * 86_400.0
LINGER_S = 0.2
"""How long the VF stays up after egress left it, so that frames in flight arrive and switches learn."""


class DrainedBy(StrEnum):
    """Who drained a pair, and so who ends the drain."""

    OPERATOR = "operator"
    """The command or the API: the manager never ends it before its time."""
    MAINTENANCE = "maintenance"
    """The manager, for maintenance that was announced: it ends the drain when the maintenance is over."""


@dataclass(frozen=True, slots=True)
class Drain:
    """A drain. Times are ns of CLOCK_BOOTTIME, outside of any time namespace."""

    at: int
    """When it began."""
    until: int | None = None
    """When it expires; None: only `undrain` ends it."""
    why: str = ""
    """The reason, unchanged: it may contain any character but NUL."""
    by: DrainedBy = DrainedBy.OPERATOR

    def is_over(self, now: int) -> bool:
        """Return whether it has expired."""
        return self.until is not None and now >= self.until

    def renews(self, before: "Drain | None") -> bool:
        """Return whether it is the same drain for maintenance as before, with another end."""
        if before is None or self.by is not DrainedBy.MAINTENANCE:
            return False
        return replace(before, until=self.until) == self

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
    by: DrainedBy = DrainedBy.OPERATOR
