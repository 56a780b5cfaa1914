# SPDX-License-Identifier: GPL-2.0-only
"""The control plane by number of pairs, drawn."""

from collections.abc import Mapping

from bench.page.result import Result
from bench.page.svg import Axis, Point, lines

_TIMES = {
    "attach_ms": "attach --all, cold",
    "start_ms": "run, until all are in use",
    "join_ms": "one VF joins",
    "join_cpu_ms": "CPU time of a leave and a join",
    "scrape_cpu_ms": "CPU time of a scrape",
}
_SHARES = {"idle_percent": "run with nothing to do"}
_PAIRS = Axis("pairs", log=True)


def pictures(result: Result) -> dict[str, str]:
    """Draw times, idle CPU and memory; both axes are logarithmic, but for memory."""
    return {
        "times": lines(
            "What grows with the number of pairs", _PAIRS, Axis("ms", log=True), _curves(result, _TIMES)
        ),
        "idle": lines(
            "CPU time with nothing to do", _PAIRS, Axis("% of a CPU", log=True), _curves(result, _SHARES)
        ),
        "memory": lines(
            "Memory of run", _PAIRS, Axis("MB"), _curves(result, {"memory_mb": "resident", "peak_mb": "peak"})
        ),
    }


def _curves(result: Result, names: Mapping[str, str]) -> dict[str, list[Point]]:
    by_pairs = {float(key.split()[0]): costs for key, costs in result.raw.items()}
    return {title: [(pairs, costs[key]) for pairs, costs in by_pairs.items()] for key, title in names.items()}
