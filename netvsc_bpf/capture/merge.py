# SPDX-License-Identifier: GPL-2.0-only
"""Merges what the taps saw into one sequence of frames, each once, in order of time. Pure."""

import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from itertools import count

from netvsc_bpf.capture.frame import Interface, Sighting
from netvsc_bpf.model.path import Path

_MEMORY_NS = 2_000_000_000
"""How much later the tap of the synthetic NIC may see a frame of the VF: backlog on a busy CPU."""

_Key = tuple[int, int]


class Merge:
    """Takes sightings in any order, and returns frames in order of time.

    Sightings before ``since`` (ns) are left out.
    """

    def __init__(self, since: int = 0) -> None:
        self._since = since
        self._waiting: list[tuple[int, int, int, Sighting]] = []
        self._number = count()
        self._by_vf: dict[_Key, Interface] = {}
        self._ages: deque[_Key] = deque()

    def add(self, sightings: Iterable[Sighting]) -> None:
        """Add what a tap saw."""
        for one in sightings:
            if one.at < self._since:
                continue
            # Of two with the same time the VF's comes first: it says where the other came from.
            rank = 0 if one.interface.path is Path.VF else 1
            heapq.heappush(self._waiting, (one.at, rank, next(self._number), one))

    def until(self, at: int) -> list[Sighting]:
        """Return the frames up to this moment (ns); the caller has read all taps up to it."""
        frames = []
        while self._waiting and self._waiting[0][0] <= at:
            frame = self._frame(heapq.heappop(self._waiting)[3])
            if frame is not None:
                frames.append(frame)
        return frames

    def rest(self) -> list[Sighting]:
        """Return all that is left."""
        return self.until(1 << 63)

    def _frame(self, one: Sighting) -> Sighting | None:
        if one.outgoing:
            return one
        key = (one.at, one.length)
        if one.interface.path is Path.VF:
            self._by_vf[key] = one.interface
            self._ages.append(key)
            self._forget(one.at - _MEMORY_NS)
            return None
        came_by = self._by_vf.pop(key, None)
        return one if came_by is None else replace(one, interface=came_by)

    def _forget(self, before: int) -> None:
        while self._ages and self._ages[0][0] < before:
            self._by_vf.pop(self._ages.popleft(), None)
