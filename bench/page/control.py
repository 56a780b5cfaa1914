# SPDX-License-Identifier: GPL-2.0-only
"""The control plane by number of pairs: pictures, and a table whose rows can be read alone."""

from collections.abc import Iterator, Sequence

from bench.page.result import Result, Table
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


_ITS = "its "
"""What a row begins with that goes on with the row before it."""


def tables(result: Result) -> list[Table]:
    """Return what was printed, each row with its subject and each column with its unit."""
    return [
        Table(one.title, tuple(map(_column, one.columns)), tuple(_rows(one.rows)), one.labels)
        for one in result.tables
    ]


def _column(name: str) -> str:
    return {"": "cost", "1": "1 pair"}.get(name, f"{name} pairs" if name.isdigit() else name)


def _rows(rows: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    subject = ""
    for name, *values in rows:
        if name.startswith(_ITS):
            name = f"{subject}, {name.removeprefix(_ITS)}"
        else:
            subject = name.partition(",")[0]
        yield (name, *values)


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
