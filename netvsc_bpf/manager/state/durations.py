# SPDX-License-Identifier: GPL-2.0-only
"""How long things took: from a VF's appearance to its first use, from one change of path to the next. Pure.

All moments are CLOCK_BOOTTIME ns of the machine, which is the clock of the kernel's own accounts.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from netvsc_bpf.kernel.process.clock import CLOCKS


@dataclass(slots=True)
class Arrivals:
    """When each interface was seen first. The loop's thread hears of them, the reconciler's looks at all."""

    _first: dict[int, int] = field(default_factory=dict)

    def changed(self, ifindex: int, present: bool) -> None:
        """Take note of what netlink tells: an interface is there, or is gone."""
        if present:
            self._first.setdefault(ifindex, CLOCKS.boottime())
        else:
            self._first.pop(ifindex, None)

    def observed(self, present: Iterable[int], begun: int) -> None:
        """Take note of a dump that was asked for at `begun`; what was told after that is not in it."""
        there = set(present)
        for ifindex in there:
            self._first.setdefault(ifindex, begun)
        # A copy: the other thread may add one.
        for ifindex, first in list(self._first.items()):
            if ifindex not in there and first < begun:
                self._first.pop(ifindex, None)

    def first_seen(self, ifindex: int) -> int | None:
        """Return when an interface that is there was seen first."""
        return self._first.get(ifindex)


@dataclass(slots=True)
class Timing:
    """What is remembered of joins and of changes of path until the kernel's account comes."""

    arrivals: Arrivals = field(default_factory=Arrivals)
    _appeared: dict[int, int] = field(default_factory=dict)
    """VFs (ifindex) that were joined and not armed yet -> when they were seen first."""
    _changed: dict[int, int] = field(default_factory=dict)
    """Synthetic NIC (ifindex) -> its last change of path."""

    def joined(self, vf: int) -> None:
        """Take note that a VF was taken into a pair."""
        first = self.arrivals.first_seen(vf)
        if first is not None:
            self._appeared[vf] = first

    def last_change(self, pair: int, at: int) -> None:
        """Take note of a change of path that came before those that lasted_s() will be told of."""
        self._changed.setdefault(pair, at)

    def joined_for_s(self, vf: int, at: int) -> float | None:
        """Return how long a VF that is armed at `at` took to get there; None if it was armed before."""
        appeared = self._appeared.pop(vf, None)
        return None if appeared is None else (at - appeared) / 1e9

    def is_later(self, pair: int, at: int) -> bool:
        """Say whether a change of path is later than all that we know of the pair."""
        return at > self._changed.get(pair, 0)

    def lasted_s(self, pair: int, at: int) -> float | None:
        """Return how long a pair was on the path that it leaves at `at`, None where that is not known."""
        before, self._changed[pair] = self._changed.get(pair), at
        # Not later than itself: what was read from the maps may be this very change.
        return None if before is None or before >= at else (at - before) / 1e9

    def forget(self, pair: int) -> None:
        """Drop what is known of a pair that is no more."""
        self._changed.pop(pair, None)
