# SPDX-License-Identifier: GPL-2.0-only
"""The manager's statistics of itself. Its threads write, scrapes read; both take the lock briefly."""

import bisect
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from netvsc_bpf.metrics.error_classes import ERROR_CLASSES, error_class

T = TypeVar("T")

JOIN_BUCKETS_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""A join takes the settle time (100 ms by default) and what the driver needs, seconds on slow firmware."""
RECONCILE_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Observing one pair takes some milliseconds, loading the programs half a second."""


@dataclass(slots=True)
class Histogram:
    """Durations by bucket. `bounds` are the upper limits in seconds, ascending, without infinity."""

    bounds: Sequence[float]
    counts: list[int] = field(init=False)
    sum: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect.bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """Return (upper limit, number of durations within it), as in Prometheus; the last limit is +Inf."""
        total, shown = 0, []
        for bound, count in zip((*map(repr, self.bounds), "+Inf"), self.counts, strict=True):
            total += count
            shown.append((bound, float(total)))
        return shown


@dataclass(frozen=True, slots=True)
class ManagerFigures:
    """The figures at one point in time."""

    joins: tuple[list[tuple[str, float]], float]
    """Buckets as of Histogram.cumulative(), sum in seconds."""
    repairs: dict[tuple[str, str], int]
    """By interface and what was repaired."""
    reconciles: tuple[list[tuple[str, float]], float]
    errors: Mapping[str, int]
    """By class of error (error_classes.py), including zeros."""
    last_success: float | None
    """Unix time."""
    lost_lines: int
    """Lines of the log."""
    maintenance_pending: int
    """Notices of maintenance that is not over."""
    maintenance_sources: Mapping[str, bool]
    """By source of such notices: whether it can be read."""
    probes: Mapping[str, "ProbeFigures"]
    """By interface, of those that have been probed."""


@dataclass(frozen=True, slots=True)
class ProbeFigures:
    """The probe of one interface."""

    sent: int = 0
    answered: int = 0
    reachable: bool | None = None
    """Whether a target answers by the path in use; None while that is not known."""


class ManagerStats:
    """The counters. Methods may be called from any thread."""

    def __init__(
        self, clock: Callable[[], float] = time.time, lost_lines: Callable[[], int] = lambda: 0
    ) -> None:
        self._clock, self._lost_lines = clock, lost_lines
        self._lock = threading.Lock()
        self._joins = Histogram(JOIN_BUCKETS_S)
        self._repairs: Counter[tuple[str, str]] = Counter()
        self._reconciles = Histogram(RECONCILE_BUCKETS_S)
        self._errors: Counter[str] = Counter()
        self._last_success: float | None = None
        self._failing = False
        self._pending = 0
        self._sources: Mapping[str, bool] = {}
        self._probes: dict[str, ProbeFigures] = {}

    def joined(self, seconds: float) -> None:
        """Count a VF that the kernel armed for the first time, `seconds` after it appeared."""
        with self._lock:
            self._joins.observe(seconds)

    def repaired(self, interface: str, what: str) -> None:
        """Count a repair."""
        with self._lock:
            self._repairs[interface, what] += 1

    def probed(self, interface: str, sent: int, answered: int, reachable: bool | None) -> None:
        """Count questions of the probe that were sent, and answers; note what is known now."""
        with self._lock:
            before = self._probes.get(interface, ProbeFigures())
            self._probes[interface] = ProbeFigures(before.sent + sent, before.answered + answered, reachable)

    def failed(self, error: BaseException) -> None:
        """Count a step or a reconciliation that failed."""
        with self._lock:
            self._errors[error_class(error)] += 1
            self._failing = True

    def maintenance(self, pending: int, sources: Mapping[str, bool]) -> None:
        """Set the number of notices of maintenance, and which of their sources work."""
        with self._lock:
            self._pending, self._sources = pending, dict(sources)

    def unread(self, error: BaseException) -> None:
        """Count a pair that could not be read for a scrape; this says nothing about reconciliations."""
        with self._lock:
            self._errors[error_class(error)] += 1

    def timed(self, reconcile: Callable[[], T]) -> T:
        """Reconcile, and record the duration or the failure."""
        begin = time.monotonic()
        try:
            return reconcile()
        except Exception as error:
            self.failed(error)
            raise
        finally:
            self.reconciled(time.monotonic() - begin)

    def reconciled(self, seconds: float) -> None:
        """Count a completed reconciliation; it succeeded if nothing failed since the last one."""
        with self._lock:
            self._reconciles.observe(seconds)
            if not self._failing:
                self._last_success = self._clock()
            self._failing = False

    def figures(self) -> ManagerFigures:
        """Return a copy of everything."""
        with self._lock:
            return ManagerFigures(
                joins=(self._joins.cumulative(), self._joins.sum),
                repairs=dict(self._repairs),
                reconciles=(self._reconciles.cumulative(), self._reconciles.sum),
                errors={kind: self._errors[kind] for kind in ERROR_CLASSES},
                last_success=self._last_success,
                lost_lines=self._lost_lines(),
                maintenance_pending=self._pending,
                maintenance_sources=self._sources,
                probes=dict(self._probes),
            )
