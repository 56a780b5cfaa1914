# SPDX-License-Identifier: GPL-2.0-only
"""Steps that nobody waits for and that hold the lock of all interfaces for long: a few for each look. Pure.

Many VFs that are plugged in at once are all in use before the first of these steps; and what happens during
them is seen after a few. Among many pairs these are more, since each look takes long itself. Where another
pair has something to do that cannot wait they are put off to the next look, a few times at most.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from netvsc_bpf.planner.actions import Action, Fasten

_AT_ONCE = 8
_SHARE = 8
"""Or so many looks for all, where that is more at once."""
_PATIENCE = 10
"""For how many looks in a row other pairs may put them off."""


@dataclass(slots=True)
class Unhurried:
    """Lets the first of them through and puts the others off."""

    _left: int = _AT_ONCE
    _patience: int = _PATIENCE
    _put_off: set[int] = field(default_factory=set)
    """Synthetic NICs (ifindex) with such a step."""

    def begin(self, pairs: int) -> None:
        """Begin a new look at so many pairs."""
        self._left = max(_AT_ONCE, pairs // _SHARE)
        self._put_off.clear()

    def planned(self, plans: Iterable[list[Action]]) -> None:
        """Take note of what all pairs have to do as this look finds them."""
        hurried = any(not isinstance(step, Fasten) for steps in plans for step in steps)
        if hurried and self._patience > 0:
            self._patience -= 1
            self._left = 0
        else:
            self._patience = _PATIENCE

    def without_late(self, ifindex: int, steps: list[Action]) -> list[Action]:
        """Return the steps for the pair of this synthetic NIC that may be taken in this look."""
        now = [step for step in steps if self._left > 0 or not isinstance(step, Fasten)]
        if len(now) < len(steps):
            self._put_off.add(ifindex)
        return now

    def took(self, step: Action) -> None:
        """Take note of a step that was taken."""
        if isinstance(step, Fasten):
            self._left -= 1

    def wait_s(self) -> float | None:
        """Return in how many seconds to look again, None where nothing was put off."""
        return 0.0 if self._put_off else None
