# SPDX-License-Identifier: GPL-2.0-only
"""The control plane by number of pairs, drawn."""

from bench.page.result import Result
from bench.page.svg import Axis, Point, lines

_TIMES = {
    "attach_ms": "attach --all, cold",
    "start_ms": "run, until all are in use",
    "join_ms": "one VF joins, less its settle time",
    "join_cpu_ms": "CPU time of a leave and a join",
    "scrape_cpu_ms": "CPU time of a scrape",
}
_IDLE = {"idle_percent": "run"}
_MEMORY = {"memory_mb": "resident", "peak_mb": "peak"}


def pictures(result: Result) -> dict[str, str]:
    """Draw times, idle CPU and memory; pairs and times are logarithmic."""
    measured = {float(key.split()[0]): costs for key, costs in result.raw.items()}
    pairs = Axis("pairs", log=True, at=tuple(measured))

    def curves(names: dict[str, str]) -> dict[str, list[Point]]:
        return {title: [(one, costs[key]) for one, costs in measured.items()] for key, title in names.items()}

    return {
        "times": lines("What grows with the number of pairs", pairs, Axis("ms", log=True), curves(_TIMES)),
        "idle": lines("CPU time with nothing to do", pairs, Axis("% of a CPU"), curves(_IDLE)),
        "memory": lines("Memory of run", pairs, Axis("MB"), curves(_MEMORY)),
    }
