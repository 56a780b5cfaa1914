# SPDX-License-Identifier: GPL-2.0-only
"""What each known benchmark's page has beyond what was printed, in the order of the summary."""

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.page import control, failover_guest, path, programs, ratios, times
from bench.page.result import Result, Table

BENCH = Path(__file__).resolve().parents[1]


def _no_pictures(_: Result) -> dict[str, str]:
    return {}


def _nothing(_: Result) -> list[str]:
    return []


def _as_printed(result: Result) -> Sequence[Table]:
    return result.tables


@dataclass(frozen=True, slots=True)
class Section:
    """One benchmark."""

    title: str
    pictures: Callable[[Result], dict[str, str]] = _no_pictures
    """SVG by the end of a file name."""
    remarks: Callable[[Result], list[str]] = _nothing
    """Sentences about its numbers."""
    losses: Callable[[Result], list[str]] = _nothing
    """Where competitors do better, case by case."""
    short: Callable[[Result], list[str]] = _nothing
    """The same in a few lines, for the summary."""
    tables: Callable[[Result], Sequence[Table]] = _as_printed


def _two_labels(result: Result) -> list[Table]:
    """Return the tables as they were printed; two columns name a row."""
    return [replace(one, labels=2) for one in result.tables]


SECTIONS = {
    "failover-guest": Section(
        "Failover of an SR-IOV pair, and of its competitors",
        failover_guest.pictures,
        losses=failover_guest.losses,
        short=failover_guest.short,
        tables=failover_guest.tables,
    ),
    "announce": Section("Announcements while RTNL is held"),
    "announce-guest": Section("A guest that only receives, and whose VF is unplugged"),
    "migration": Section("Live migration of a guest whose VF is unplugged, and of its competitors"),
    "failover": Section("Failover in network namespaces: what a stream loses", times.gaps),
    "path": Section(
        "Instructions per packet", path.pictures, path.remarks, path.losses, path.short, path.tables
    ),
    "guard": Section("Instructions of guard", tables=_two_labels),
    "programs": Section("Each program by itself", tables=programs.tables),
    "tcp": Section(
        "TCP throughput", ratios.pictures, losses=ratios.losses, short=ratios.losses, tables=ratios.tables
    ),
    "small": Section(
        "Small packets", ratios.pictures, losses=ratios.losses, short=ratios.losses, tables=ratios.tables
    ),
    "control": Section("The control plane, 1 to 256 pairs", control.pictures, tables=control.tables),
    "attach": Section("attach, status and detach"),
    "join": Section("A new VF joins", times.joins),
    "pairs": Section("256 pairs at once"),
    "idle": Section("A manager with nothing to do"),
    "probe": Section("What probing costs"),
    "black-hole": Section("A VF that reaches nothing"),
    "churn": Section("A manager among a thousand other interfaces"),
    "scrape": Section("A scrape of metrics"),
    "fleet": Section("A fleet for one Prometheus"),
    "since": Section("The control plane, relative to an earlier version"),
    "drift": Section("Programs that others detach", times.repairs),
    "kills": Section("kill -9 during flaps", times.kills),
    "drain": Section("Drain and undrain"),
    "drain-guest": Section("Drain and undrain on hv_netvsc"),
    "flaps": Section("1,000 flaps, and a day of 900 an hour"),
    "damping": Section("Damping over a day"),
    "leak": Section("Leaks: 1,000 times attach and detach"),
}


def section(benchmark: str) -> Section:
    """Return what is known of a benchmark: of one that is not, its name."""
    return SECTIONS.get(benchmark) or Section(benchmark)


def place(benchmark: str) -> int:
    """Return where a benchmark is listed: one that is not known, at the end."""
    known = list(SECTIONS)
    return known.index(benchmark) if benchmark in SECTIONS else len(known)


def method(benchmark: str) -> str:
    """Return the docstring of the benchmark's module, which says what it does and how."""
    module = BENCH / f"{benchmark.replace('-', '_')}.py"
    if not module.exists():
        return ""
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return text.replace("``", "`")
