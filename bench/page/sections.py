# SPDX-License-Identifier: GPL-2.0-only
"""What each known benchmark has beyond its tables, in the order of the page."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.page import control, failover_guest, path, ratios, times
from bench.page.result import Result

BENCH = Path(__file__).resolve().parents[1]


def _no_pictures(_: Result) -> dict[str, str]:
    return {}


def _nothing(_: Result) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class Section:
    """One benchmark on the page."""

    title: str
    pictures: Callable[[Result], dict[str, str]] = _no_pictures
    """SVG by the end of a file name."""
    remarks: Callable[[Result], list[str]] = _nothing
    """Sentences about its numbers."""
    losses: Callable[[Result], list[str]] = _nothing
    """Where something else than ours does better."""


SECTIONS = {
    "failover-guest": Section(
        "Failover of a true SR-IOV pair, beside its peers",
        failover_guest.pictures,
        losses=failover_guest.losses,
    ),
    "failover": Section("Failover: what a stream loses", times.gaps),
    "path": Section("Instructions per packet", path.pictures, path.remarks, path.losses),
    "programs": Section("Each program by itself"),
    "tcp": Section("TCP streams over the bare VF's", ratios.pictures, losses=ratios.losses),
    "small": Section("Small packets over the bare VF's", ratios.pictures, losses=ratios.losses),
    "control": Section("The control plane, 1 to 256 pairs", control.pictures),
    "attach": Section("attach and status"),
    "join": Section("A VF joins", times.joins),
    "pairs": Section("256 pairs at once"),
    "idle": Section("A manager with nothing to do"),
    "churn": Section("A manager among interfaces that are nobody's"),
    "scrape": Section("A scrape"),
    "drift": Section("Hooks that others remove", times.repairs),
    "kills": Section("kill -9 during flaps", times.kills),
    "drain": Section("Drain and undrain"),
    "flaps": Section("1,000 flaps, and a day of 900 an hour"),
    "damping": Section("Damping over a day"),
    "leak": Section("1,000 times attach and detach"),
}


def section(benchmark: str) -> Section:
    """Return what is known of a benchmark: of one that is not, its name."""
    return SECTIONS.get(benchmark) or Section(benchmark)


def place(benchmark: str) -> int:
    """Return where a benchmark stands on the page: one that is not known, at the end."""
    known = list(SECTIONS)
    return known.index(benchmark) if benchmark in SECTIONS else len(known)


def method(benchmark: str) -> str:
    """Return the docstring of the benchmark's module, which says what it does and how."""
    module = BENCH / f"{benchmark.replace('-', '_')}.py"
    if not module.exists():
        return ""
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return text.replace("``", "`")
