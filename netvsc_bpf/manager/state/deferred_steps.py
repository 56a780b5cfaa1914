# SPDX-License-Identifier: GPL-2.0-only
"""Deferring steps that are not urgent and hold RTNL, the lock of all interfaces, for long.

Attaching home's tcx link is such a step. Linkwatch needs RTNL before the kernel may use a VF whose carrier
has come up (usable_again(), ebpf/device.h), so no link is attached while a VF is about to be used. If many
VFs are plugged in at once, all of them are in use before the first of these steps. Each turn takes a few of
them, so that changes meanwhile are noticed soon: more among many pairs, since each turn takes long then. If
another pair has an urgent step, they are deferred to the next turn. Nothing defers them for longer than
PATIENCE_S. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from netvsc_bpf.planner.actions import Action, ReplaceInterim

_AT_ONCE = 8
_SHARE = 8
"""Or all of them within this many turns, if that is more per turn."""
GRACE_S = 1.0
"""How long a permitted VF may take until it is in use: drivers differ in how fast the carrier comes up."""
PATIENCE_S = 2.0


@dataclass(slots=True)
class DeferredSteps:
    """Allows the first of them and defers the others. Times are seconds of one monotonic clock."""

    _left: int = _AT_ONCE
    _now: float = 0.0
    _since: dict[int, float] = field(default_factory=dict)
    """Since when there is such a step for a synthetic NIC (ifindex)."""
    _waiting_since: float | None = None
    """Since when urgent steps of others have deferred all of them."""
    _ends: float | None = None
    """When the first VF that is about to be used has to be in use; None: there is none."""
    _put_off: bool = False
    """There is such a step that this turn does not take."""

    def begin(self, pairs: int, now: float) -> None:
        """Begin a new turn with this number of pairs."""
        self._left, self._now, self._ends = max(_AT_ONCE, pairs // _SHARE), now, None
        self._put_off = False

    def planned(self, plans: Iterable[list[Action]]) -> None:
        """Note the plans of all pairs in this turn."""
        hurried = any(not isinstance(step, ReplaceInterim) for steps in plans for step in steps)
        if not hurried and self._ends is None:
            self._waiting_since = None
            return
        since = self._waiting_since = self._now if self._waiting_since is None else self._waiting_since
        if self._now - since < PATIENCE_S:
            self._left = 0
        else:
            self._waiting_since = None

    def without_late(self, ifindex: int, steps: list[Action], *, expected: bool = False) -> list[Action]:
        """Return the steps for the pair of this synthetic NIC that may be taken in this turn.

        Its VF is `expected` if the kernel may use it but does not use it yet.
        """
        if not any(isinstance(step, ReplaceInterim) for step in steps):
            self._since.pop(ifindex, None)
            return steps
        ends = self._since.setdefault(ifindex, self._now) + GRACE_S
        soon = expected and self._now < ends
        if soon:
            self._ends = ends if self._ends is None else min(ends, self._ends)
        if self._left > 0 and not soon:
            return steps
        self._put_off = True
        return [step for step in steps if not isinstance(step, ReplaceInterim)]

    def took(self, step: Action) -> None:
        """Note a step that was taken."""
        if isinstance(step, ReplaceInterim):
            self._left -= 1

    def wait_s(self) -> float | None:
        """Return in how many seconds to reconcile again, None if nothing was deferred."""
        if not self._put_off:
            return None
        return 0.0 if self._ends is None else self._ends - self._now
