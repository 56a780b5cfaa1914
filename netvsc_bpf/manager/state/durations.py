# SPDX-License-Identifier: GPL-2.0-only
"""Durations: from a VF's appearance to its first use, from one path change to the next. Pure.

All times are CLOCK_BOOTTIME ns of the machine, the clock of the kernel's own records.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from netvsc_bpf.kernel.process.clock import CLOCKS


@dataclass(slots=True)
class Arrivals:
    """When each interface was first seen: by the loop's thread from netlink, or in the reconciler's dump."""

    _first: dict[int, int] = field(default_factory=dict)

    def changed(self, ifindex: int, present: bool) -> None:
        """Note a netlink message: an interface exists, or is gone."""
        if present:
            self._first.setdefault(ifindex, CLOCKS.boottime())
        else:
            self._first.pop(ifindex, None)

    def observed(self, present: Iterable[int], begun: int) -> None:
        """Note a dump that was requested at `begun`; interfaces reported after that are not in it."""
        there = set(present)
        for ifindex in there:
            self._first.setdefault(ifindex, begun)
        # A copy: the other thread may add one.
        for ifindex, first in list(self._first.items()):
            if ifindex not in there and first < begun:
                self._first.pop(ifindex, None)

    def first_seen(self, ifindex: int) -> int | None:
        """Return when an existing interface was first seen."""
        return self._first.get(ifindex)


@dataclass(slots=True)
class Timing:
    """Times of joins and path changes, kept until the kernel's record arrives."""

    arrivals: Arrivals = field(default_factory=Arrivals)
    _appeared: dict[int, int] = field(default_factory=dict)
    """VFs (ifindex) that were joined and not armed yet -> when they were first seen."""
    _changed: dict[int, int] = field(default_factory=dict)
    """Synthetic NIC (ifindex) -> its last path change."""

    def joined(self, vf: int) -> None:
        """Note that a VF was joined to a pair."""
        first = self.arrivals.first_seen(vf)
        if first is not None:
            self._appeared[vf] = first

    def last_change(self, pair: int, at: int) -> None:
        """Note a path change that came before those that lasted_s() will be called for."""
        self._changed.setdefault(pair, at)

    def joined_for_s(self, vf: int, at: int) -> float | None:
        """Return how long a VF that is armed at `at` took until then; None if it was armed before."""
        appeared = self._appeared.pop(vf, None)
        return None if appeared is None else (at - appeared) / 1e9

    def is_later(self, pair: int, at: int) -> bool:
        """Return whether a path change is later than all known ones of the pair."""
        return at > self._changed.get(pair, 0)

    def lasted_s(self, pair: int, at: int) -> float | None:
        """Return how long a pair was on the path that it leaves at `at`, None if unknown."""
        before, self._changed[pair] = self._changed.get(pair), at
        # Strictly later: what was read from the maps may be this same change.
        return None if before is None or before >= at else (at - before) / 1e9

    def forget(self, pair: int) -> None:
        """Drop the state of a pair that no longer exists."""
        self._changed.pop(pair, None)
