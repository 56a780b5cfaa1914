# SPDX-License-Identifier: GPL-2.0-only
"""In which turns of a manager the work is done that may wait. Pure.

Joining a VF, or leaving one, must not wait for the lists and pins of other pairs to be read. So these are
read when there is nothing else to do, but not later than in the first turn after a while in which no pair has
a step that is due: ingress may be lost until that is done, and it is done in the next turn.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_PUT_OFF_S = 0.5
"""How long the work may wait at most."""
_SOON_S = 0.25
"""A step that is due within this time is not delayed by other work."""


@dataclass(slots=True)
class DeferrableWork:
    """Times are seconds of one monotonic clock."""

    woken: Callable[[], bool]
    """Returns whether something has happened that the next turn deals with."""
    steps_at: Callable[[], Mapping[int, float]]
    """Returns when pairs (ifindexes) have a step; see Reconciler."""
    _busy_since: float | None = field(default=None, init=False)
    """Since when other work has always been waiting; None: none was."""
    _is_time: bool | None = field(default=None, init=False)
    """The answer for this turn."""
    _overdue: bool = field(default=False, init=False)
    """It has waited for as long as it may."""

    def begin_turn(self) -> None:
        """Begin a turn, in which the answer stays the same."""
        self._is_time = None

    def end_turn(self, now: float) -> None:
        """End a turn: the work waits no longer if there is nothing else to do."""
        if not (self.woken() or self._has_step(now)):
            self._busy_since = None

    def is_time(self, now: float) -> bool:
        """Return whether this turn has time for it."""
        if self._is_time is None:
            since = self._busy_since = now if self._busy_since is None else self._busy_since
            self._overdue = now - since >= _PUT_OFF_S
            self._is_time = self._has_time(now)
            if self._is_time:
                self._busy_since = None
        return self._is_time

    def goes_on(self, now: float) -> bool:
        """Return whether this turn has time for another part of it; the rest waits otherwise."""
        if self._has_time(now):
            return True
        self._busy_since = now
        return False

    def _has_time(self, now: float) -> bool:
        return not self._has_step(now) and (self._overdue or not self.woken())

    def _has_step(self, now: float) -> bool:
        return any(at < now + _SOON_S for at in self.steps_at().values())
