# SPDX-License-Identifier: GPL-2.0-only
"""The watches of a manager look at the same moments, so that a sleeping processor wakes once for all of them.

Most of what a look costs a manager with nothing to do are cold caches, and the first one warms them for the
others. Pure.
"""

from dataclasses import dataclass

EVERY_S = 1.0
"""How often what no event reports is looked at. Multiples of it end at the same moments."""
_EARLY = 0.25
"""Part of the interval: timers may fire a little early, which must not cause a second look."""


@dataclass(frozen=True, slots=True)
class Beat:
    """Moments of CLOCK_MONOTONIC, in seconds."""

    phase_s: float = 0.0
    """Their distance from whole seconds. Network namespaces differ in it, so that not all look at once."""

    @classmethod
    def of_namespace(cls, inode: int) -> "Beat":
        """Return that of another network namespace than the manager's own."""
        return cls(inode % 97 / 97)

    def wait_s(self, now: float, every_s: float = EVERY_S) -> float:
        """Return the seconds from `now` to the next moment of this interval."""
        left = every_s - (now - self.phase_s) % every_s
        return left if left > _EARLY * every_s else left + every_s
