# SPDX-License-Identifier: GPL-2.0-only
"""When a step is taken that nobody waits for, and that holds RTNL, the lock of all interfaces, for long.

home's tcx link is such a step. Linkwatch needs RTNL before the kernel may use a VF whose carrier has come
(usable_again(), ebpf/device.h), so while a VF is about to be used nobody's link is attached. Many VFs that
are plugged in at once are all in use before the first of these steps. A look takes a few of them, so that
what happens meanwhile is seen soon: more among many pairs, since each look takes long itself. Where another
pair has something to do that cannot wait they are put off to the next look. Nothing puts them off for longer
than PATIENCE_S. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from netvsc_bpf.planner.actions import Action, ReplaceInterim

_AT_ONCE = 8
_SHARE = 8
"""Or so many looks for all, where that is more at once."""
GRACE_S = 1.0
"""How long a VF that may be used may take until it is: its driver brings its carrier up in its own time."""
PATIENCE_S = 2.0


@dataclass(slots=True)
class DeferredSteps:
    """Lets the first of them through and puts the others off. Times are seconds of one monotonic clock."""

    _left: int = _AT_ONCE
    _now: float = 0.0
    _since: dict[int, float] = field(default_factory=dict)
    """Since when there is such a step for a synthetic NIC (ifindex)."""
    _waiting_since: float | None = None
    """Since when others keep all of them waiting."""
    _ends: float | None = None
    """When the first of those VFs has to be used that may be about to be used; None: there is none."""
    _put_off: bool = False
    """There is such a step that this look does not take."""

    def begin(self, pairs: int, now: float) -> None:
        """Begin a new look at so many pairs."""
        self._left, self._now, self._ends = max(_AT_ONCE, pairs // _SHARE), now, None
        self._put_off = False

    def planned(self, plans: Iterable[list[Action]]) -> None:
        """Take note of what all pairs have to do as this look finds them."""
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
        """Return the steps for the pair of this synthetic NIC that may be taken in this look.

        Its VF is `expected` where the kernel may use it and does not use it yet.
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
        """Take note of a step that was taken."""
        if isinstance(step, ReplaceInterim):
            self._left -= 1

    def wait_s(self) -> float | None:
        """Return in how many seconds to look again, None where nothing was put off."""
        if not self._put_off:
            return None
        return 0.0 if self._ends is None else self._ends - self._now
