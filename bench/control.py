# SPDX-License-Identifier: GPL-2.0-only
"""What the control plane needs from 1 pair to 256, and how it grows.

For each number of pairs: a cold `attach --all` as a whole process, compilation included; a manager that
starts with nothing attached; memory and CPU time with nothing to do; a VF plugged in among the others; a
scrape. Times are printed, not judged; memory has limits, and so has a scrape of up to 64 pairs.
"""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, fields
from math import isnan
from pathlib import Path

import click

from bench.command import netvsc_bpf
from bench.growth import growth
from bench.hotplug import HotPlugs
from bench.managed import REST_S, UNDAMPED, Managed, PairStates, wait_until_used
from bench.processes import Took, took
from bench.report import Report, quartiles
from bench.scraping import Scraper, scrape_costs
from bench.usage import memory_mb, used
from bench.watching import watch
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab

SIZES = (1, 4, 16, 64, 256)
_SETTLE_MS = 100
_MEMORY_MB = {1: 48.0, 256: 64.0}
_SCRAPES = 50
_SCRAPE_PAIRS, _SCRAPE_CPU_MS, _SCRAPE_MS = 64, 10.0, 20.0
_PLUGS_APART_S = 0.5
"""A pair that is changed at more than two steps a second for long waits (manager/state/pair_state.py)."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one number of pairs; medians where more than one was measured."""

    attach_ms: float
    attach_cpu_ms: float
    attach_peak_mb: float
    """Without the compile child, which is the same for any number."""
    start_ms: float
    """From the start of a manager until all VFs are in use, nothing attached before."""
    join_ms: float
    """From a VF's registration to the moment when the kernel uses it, the settle time taken off."""
    join_cpu_ms: float
    """CPU time of the manager, for one VF that leaves and one that comes."""
    memory_mb: float
    peak_mb: float
    idle_percent: float
    """Of one CPU."""
    idle_switches: float
    """Context switches a second."""
    scrape_cpu_ms: float
    scrape_ms: float
    scrape_kb: float


_NAMES = {
    "attach_ms": "attach --all, cold, ms",
    "attach_cpu_ms": "its CPU time, ms",
    "attach_peak_mb": "its peak memory, MB",
    "start_ms": "run, start to all in use, ms",
    "join_ms": "one VF joins, beyond its settle time, ms",
    "join_cpu_ms": "run's CPU time for a leave and a join, ms",
    "memory_mb": "run, resident memory, MB",
    "peak_mb": "its peak, MB",
    "idle_percent": "run with nothing to do, % of a CPU",
    "idle_switches": "its context switches a second",
    "scrape_cpu_ms": "a scrape, CPU time, ms",
    "scrape_ms": "a scrape, wall clock, ms",
    "scrape_kb": "its answer, kB",
}


def measure(pairs: int, rounds: int, idle_s: float) -> tuple[Costs, dict[str, object]]:
    """Measure everything with so many pairs; return what belongs to the raw numbers as well."""
    with Lab(LabPlan(pairs=pairs, fabric=Fabric.NONE)) as lab:
        attaches = [_attach(lab) for _ in range(rounds)]
        peak_kb = watch(lab, "attach", "--all", "--any-bus").peak_kb
        netvsc_bpf(lab, "detach", "--all")
        begin = time.monotonic()
        with ExitStack() as undo:
            manager = undo.enter_context(Managed(lab, _SETTLE_MS, UNDAMPED))
            pid = manager.process.pid
            wait_until_used(manager)
            start_s = time.monotonic() - begin
            time.sleep(REST_S)
            before = used(pid)
            time.sleep(idle_s)
            after, memory = used(pid), memory_mb(pid)
            scrapes = scrape_costs(undo.enter_context(closing(Scraper(lab))), pid, _SCRAPES)
            states = undo.enter_context(closing(PairStates(lab)))
            joins = HotPlugs(lab, manager, states)
            join_cpu_ms = [_replug(joins, pid, number % pairs) for number in range(4 * rounds)]
    cpu_s = after.cpu_s - before.cpu_s
    switches = after.voluntary + after.involuntary - before.voluntary - before.involuntary
    raw: dict[str, object] = {
        "attaches_s": [asdict(one) for one in attaches],
        "joins_ms": joins.from_registration,
        "joins_from_call_ms": joins.from_call,
        "joins_cpu_ms": join_cpu_ms,
        "scrapes_cpu_ms": scrapes.cpu_ms,
    }
    costs = Costs(
        attach_ms=1e3 * _median([one.wall for one in attaches]),
        attach_cpu_ms=1e3 * _median([one.cpu for one in attaches]),
        attach_peak_mb=peak_kb / 1024,
        start_ms=1e3 * start_s,
        join_ms=_median(joins.from_registration) - _SETTLE_MS,
        join_cpu_ms=_median(join_cpu_ms),
        memory_mb=memory["rss"],
        peak_mb=memory["peak"],
        idle_percent=100 * cpu_s / idle_s,
        idle_switches=switches / idle_s,
        scrape_cpu_ms=_median(scrapes.cpu_ms),
        scrape_ms=_median(scrapes.wall_ms),
        scrape_kb=scrapes.size / 1e3,
    )
    return costs, raw


def _attach(lab: Lab) -> Took:
    _, cost = took(lambda: netvsc_bpf(lab, "attach", "--all", "--any-bus", "--settle", str(_SETTLE_MS)))
    netvsc_bpf(lab, "detach", "--all")
    return cost


def _replug(joins: HotPlugs, pid: int, number: int) -> float:
    """Take a VF out and plug it in again; return the CPU time that it took the manager, in ms."""
    before = used(pid)
    joins.unplug(number)
    joins.plug(number)
    time.sleep(_PLUGS_APART_S)
    return 1e3 * (used(pid).cpu_s - before.cpu_s)


def _median(values: Sequence[float]) -> float:
    return quartiles(values)[1]


@click.command()
@click.option("--pairs", "sizes", multiple=True, type=int, default=SIZES, show_default=True, help="How many.")
@click.option("--rounds", default=3, show_default=True, help="Cold attaches; a quarter of the hot-plugs.")
@click.option("--idle", "idle_s", default=10.0, show_default=True, help="Seconds with nothing to do.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(sizes: tuple[int, ...], rounds: int, idle_s: float, json_path: Path | None) -> None:
    """Measure the control plane by number of pairs."""
    enter_sandbox()
    report = Report("control", json_path)
    found: dict[int, Costs] = {}
    for pairs in sorted(sizes):
        found[pairs], raw = measure(pairs, rounds, idle_s)
        report.raw(f"{pairs} pairs", asdict(found[pairs]) | raw)
    columns = ("", *(str(pairs) for pairs in found), "fixed", "each pair", "power")
    report.table(
        "by number of pairs; a line fitted through them; power of growth between the last two",
        columns,
        [_row(field.name, found) for field in fields(Costs)],
    )
    for pairs, limit in _MEMORY_MB.items():
        if pairs in found:
            report.claim(f"{pairs} pairs, resident memory of run", found[pairs].memory_mb, limit, "MB")
    for pairs in (one for one in found if one <= _SCRAPE_PAIRS):
        report.claim(f"{pairs} pairs, CPU time of a scrape", found[pairs].scrape_cpu_ms, _SCRAPE_CPU_MS, "ms")
        report.claim(f"{pairs} pairs, wall clock of a scrape", found[pairs].scrape_ms, _SCRAPE_MS, "ms")
    sys.exit(report.finish())


def _row(name: str, found: dict[int, Costs]) -> tuple[object, ...]:
    measured = {pairs: float(getattr(costs, name)) for pairs, costs in found.items()}
    if len(measured) < 3:
        return (_NAMES[name], *map(_figures, measured.values()), "-", "-", "-")
    fit = growth(measured)
    power = "-" if isnan(fit.power) else f"{fit.power:.1f}"
    return (
        _NAMES[name],
        *map(_figures, measured.values()),
        _figures(fit.fixed),
        f"{fit.per_pair:.3g}",
        power,
    )


def _figures(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
