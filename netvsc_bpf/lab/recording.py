# SPDX-License-Identifier: GPL-2.0-only
"""The fate of each packet of a numbered stream, and sums over intervals of time. Pure."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise


@dataclass(frozen=True, slots=True)
class MissingRun:
    """Packets with consecutive numbers that never arrived. Times are CLOCK_MONOTONIC."""

    first: int
    count: int
    first_sent_ns: int
    last_sent_ns: int


@dataclass(frozen=True, slots=True)
class Loss:
    """What happened to the packets sent in one interval of time."""

    sent: int
    received: int
    """Distinct packets."""
    duplicates: int
    longest_gap_s: float
    """The longest time between two arrivals, the last one before the stretch included."""
    longest_pause_s: float
    """The longest time between two sends: a gap of that length can be caused by the sender."""
    longest_outage_s: float
    """The longest gap minus the sender's own pause in it: the part caused by the network."""
    missing: tuple[MissingRun, ...]

    @property
    def lost(self) -> int:
        """Packets that never arrived."""
        return self.sent - self.received


@dataclass(frozen=True, slots=True)
class Recording:
    """One entry for each number sent: send time, arrival time (0: never), number of copies that arrived."""

    sent_ns: "array[int]"
    arrived_ns: "array[int]"
    copies: bytes

    def all(self) -> Loss:
        """Sum up the whole stream."""
        return self._between(0, len(self.sent_ns))

    def window(self, begin_ns: int, end_ns: int) -> Loss:
        """Sum up the packets sent from ``begin_ns`` to before ``end_ns`` (CLOCK_MONOTONIC).

        Packets sent less than a round trip before the recording was taken may still be under way.
        """
        return self._between(bisect_left(self.sent_ns, begin_ns), bisect_left(self.sent_ns, end_ns))

    def _between(self, begin: int, end: int) -> Loss:
        copies = self.copies[begin:end]
        received = len(copies) - copies.count(0)
        sends = self.sent_ns[max(begin - 1, 0) : end]
        return Loss(
            sent=len(copies),
            received=received,
            duplicates=sum(copies) - received,
            longest_gap_s=_longest_step(sorted(self._arrivals(begin, end))),
            longest_pause_s=_longest_step(sends),
            longest_outage_s=self._longest_outage(self._last_arrived_before(begin), end),
            missing=tuple(self._missing(begin, end)) if received < len(copies) else (),
        )

    def _arrivals(self, begin: int, end: int) -> list[int]:
        """Return arrival times of this interval's packets, and of later ones that overtook some of them.

        One packet of look-back, so that a gap at the seam belongs to the later stretch.
        """
        known = self.arrived_ns[self._last_arrived_before(begin) : end]
        last = max(known, default=0)
        later = self.arrived_ns[end : bisect_left(self.sent_ns, last)]
        return [at for at in (*known, *later) if 0 < at <= last]

    def _longest_outage(self, begin: int, end: int) -> float:
        longest = pause = 0
        last: int | None = None
        for number in range(begin, end):
            if number > begin:
                pause = max(pause, self.sent_ns[number] - self.sent_ns[number - 1])
            if at := self.arrived_ns[number]:
                if last is not None:
                    longest = max(longest, at - last - pause)
                last, pause = at, 0
        return longest / 1e9

    def _last_arrived_before(self, begin: int) -> int:
        for number in range(begin - 1, -1, -1):
            if self.arrived_ns[number]:
                return number
        return begin

    def _missing(self, begin: int, end: int) -> Iterator[MissingRun]:
        for gone, run in groupby(range(begin, end), key=lambda number: not self.copies[number]):
            if gone:
                numbers = list(run)
                yield MissingRun(
                    first=numbers[0],
                    count=len(numbers),
                    first_sent_ns=self.sent_ns[numbers[0]],
                    last_sent_ns=self.sent_ns[numbers[-1]],
                )


def _longest_step(times_ns: "list[int] | array[int]") -> float:
    return max((later - earlier for earlier, later in pairwise(times_ns)), default=0) / 1e9
