# SPDX-License-Identifier: GPL-2.0-only
"""The collector of all metrics; they are read at each scrape."""

import threading
import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from netvsc_bpf import __version__
from netvsc_bpf.kernel.bpf.abi import ABI_VERSION
from netvsc_bpf.metrics import closed_sets, families
from netvsc_bpf.metrics.families import FAMILIES
from netvsc_bpf.metrics.manager_stats import ManagerFigures, ManagerStats, ProbeFigures
from netvsc_bpf.metrics.pair_samples import PairSamples
from netvsc_bpf.metrics.samples import Samples
from netvsc_bpf.metrics.snapshot import PairSample, Snapshot
from netvsc_bpf.metrics.vf_problems import Problems
from netvsc_bpf.model.errors import NetvscBpfError


class PairCollector(Collector):
    """Reads the pairs of one network namespace, and the manager's own figures if there is a manager.

    `read` returns the pairs; `problems` the problems found on their VFs; `manager_up` whether a manager runs;
    `failed` is called at each scrape with the reason why a pair, or all of them, could not be read (None if
    they could).
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        read: Callable[[], Snapshot],
        *,
        problems: Callable[[Snapshot], Problems],
        manager_up: Callable[[], bool],
        stats: ManagerStats | None = None,
        failed: Callable[[Exception | None], None] = lambda _: None,
    ) -> None:
        self._read, self._problems, self._manager_up = read, problems, manager_up
        self._stats, self._failed = stats, failed
        self._pairs, self._repairs = PairSamples(), closed_sets.repairs()
        self._one_at_a_time = threading.Lock()
        registry.register(self)

    def describe(self) -> Iterator[Metric]:
        """Describe every metric, without reading from the kernel."""
        for family in FAMILIES:
            yield family.empty()

    def collect(self) -> Iterator[Metric]:
        """Read everything. What cannot be read is missing, and scrape_success is 0."""
        samples = Samples()
        with self._one_at_a_time:
            interfaces = self._add_kernel(samples)
            if self._stats is not None:
                figures = self._stats.figures()
                _add_manager(samples, figures)
                self._add_repairs(samples, figures, interfaces)
                _add_probes(samples, figures, interfaces)
        samples.add(families.MANAGER_UP, self._manager_up())
        samples.add(families.BUILD_INFO, 1, __version__, str(ABI_VERSION))
        return samples.metrics()

    def _add_kernel(self, samples: Samples) -> list[str]:
        """Add what is read from the kernel; return the names of the synthetic NICs."""
        begin = time.perf_counter()
        pairs: tuple[PairSample, ...] = ()
        try:
            snapshot = self._read()
            problems = self._problems(snapshot)
        except (NetvscBpfError, OSError) as error:
            self._failed(error)
            samples.add(families.SCRAPE_SUCCESS, 0)
        else:
            self._failed(next(iter(snapshot.failures), None))
            samples.add(families.SCRAPE_SUCCESS, not snapshot.failures)
            if self._stats is not None:
                for failure in snapshot.failures:
                    self._stats.unread(failure)
            pairs = snapshot.pairs
            self._pairs.add(samples, pairs, problems)
            _add_programs(samples, snapshot)
        samples.add(families.SCRAPE_SECONDS, time.perf_counter() - begin)
        return [pair.status.synthetic.name for pair in pairs]

    def _add_repairs(self, samples: Samples, figures: ManagerFigures, interfaces: list[str]) -> None:
        """Add the repairs of present pairs, of what all pairs share, and of pairs that are gone."""
        counts: dict[str, dict[tuple[str, ...], int]] = {name: {} for name in interfaces}
        for (interface, what), count in ({closed_sets.SHARED_REPAIR: 0} | figures.repairs).items():
            if interface in counts:
                counts[interface][what,] = count
            else:
                samples.add(families.REPAIRS, count, interface, what)
        self._repairs.begin_round()
        for interface, found in counts.items():
            self._repairs.add(samples, interface, found)


def _add_programs(samples: Samples, snapshot: Snapshot) -> None:
    for program in snapshot.programs:
        samples.add(families.PROGRAM_INFO, 1, program.name, program.tag)
        if snapshot.bpf_stats or program.runs:
            samples.add(families.PROGRAM_RUNS, program.runs, program.name)
            samples.add(families.PROGRAM_SECONDS, program.run_ns / 1e9, program.name)


def _add_probes(samples: Samples, figures: ManagerFigures, interfaces: list[str]) -> None:
    """Add the probes of present pairs; also of those that are not probed, with 0."""
    for interface in interfaces:
        probe = figures.probes.get(interface, ProbeFigures())
        samples.add(families.PROBE_SENT, probe.sent, interface)
        samples.add(families.PROBE_ANSWERED, probe.answered, interface)
        if probe.reachable is not None:
            samples.add(families.PROBE_REACHABLE, probe.reachable, interface)


def _add_manager(samples: Samples, figures: ManagerFigures) -> None:
    samples.histogram(families.JOIN_SECONDS, *figures.joins)
    for reason, count in figures.errors.items():
        samples.add(families.RECONCILE_ERRORS, count, reason)
    samples.add(families.LOST_LINES, figures.lost_lines)
    if figures.maintenance_sources:
        samples.add(families.MAINTENANCE_PENDING, figures.maintenance_pending)
    for source, up in figures.maintenance_sources.items():
        samples.add(families.MAINTENANCE_SOURCE_UP, up, source)
    samples.histogram(families.RECONCILE_SECONDS, *figures.reconciles)
    if figures.last_success is not None:
        samples.add(families.LAST_RECONCILE, figures.last_success)
