# SPDX-License-Identifier: GPL-2.0-only
"""What a measurement prints and writes: tables, claims with their limits, and every raw number as JSON.

bench/page makes docs/benchmarks.md and docs/benchmarks/ of such files.
"""

import json
import os
import shlex
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.machine import machine

_WIDTH = 110
_LINES_DEPTH = 2


@dataclass(frozen=True, slots=True)
class Claim:
    """One number that the documents promise."""

    what: str
    measured: float
    limit: float
    unit: str
    at_least: bool = False
    """The limit is a minimum."""

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def __str__(self) -> str:
        bound = "at least" if self.at_least else "at most"
        unit = f" {self.unit}" if self.unit else ""
        verdict = "holds" if self.holds else "MISSED"
        return f"{verdict:7}{self.what}: {self.measured:.4g}{unit} ({bound} {self.limit:g})"


class Report:
    """Collects what one benchmark found; ``finish`` gives its exit status."""

    def __init__(self, name: str, json_path: Path | None, earlier: Mapping[str, Any] | None = None) -> None:
        """`earlier` is the JSON of a run whose numbers are judged anew: when and where stay as they were."""
        self._name = name
        self._json_path = json_path
        self._claims: list[Claim] = []
        self._raw: dict[str, object] = {}
        self._console = Console()
        if not self._console.is_terminal:
            self._console = Console(width=_WIDTH)
        self._date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._machine = machine() | {"load_before": os.getloadavg()[0]}
        self._options = shlex.join(_options(sys.argv[1:]))
        if earlier is not None:
            self._date, self._machine = earlier["date"], dict(earlier["machine"])
            self._options = earlier["options"]
        self._tables: list[dict[str, object]] = []
        self._said: list[str] = []

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print a table; its first column holds words, the others numbers."""
        table = Table(title=title, title_justify="left")
        for number, column in enumerate(columns):
            table.add_column(column, justify="right" if number else "left")
        shown = [[_shown(cell) for cell in row] for row in rows]
        for cells in shown:
            table.add_row(*cells)
        self._console.print(table)
        self._tables.append({"title": title, "columns": list(columns), "rows": shown})

    def say(self, line: str) -> None:
        """Print a line as it is."""
        self._said.append(line)
        self._print(line)

    def raw(self, key: str, value: object) -> None:
        """Keep numbers for the JSON file."""
        self._raw[key] = value

    def claim(self, what: str, measured: float, limit: float, unit: str, *, at_least: bool = False) -> None:
        """Hold a number against its limit."""
        self._claims.append(Claim(what, measured, limit, unit, at_least))

    def finish(self) -> int:
        """Print the claims, write the JSON, and return the exit status: 0 where every claim holds."""
        for claim in self._claims:
            self._print(str(claim))
        here = {"load_after": os.getloadavg()[0]} | self._machine
        self._print(
            f"{self._name}: Linux {here['kernel']}, {here['cpus']} CPUs, "
            f"load {here['load_before']:.1f} before and {here['load_after']:.1f} after"
        )
        if self._json_path is not None:
            whole = {
                "benchmark": self._name,
                "date": self._date,
                "options": self._options,
                "machine": here,
                "tables": self._tables,
                "said": self._said,
                "limits": [asdict(claim) | {"holds": claim.holds} for claim in self._claims],
                "raw": self._raw,
            }
            self._json_path.parent.mkdir(parents=True, exist_ok=True)
            self._json_path.write_text(laid_out(whole) + "\n", encoding="utf-8")
            self._print(f"{self._name}: raw numbers in {self._json_path}")
        return 0 if all(claim.holds for claim in self._claims) else 1

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False)


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper quartile."""
    if len(values) < 2:
        return (values[0],) * 3
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def middle_mean(values: Sequence[float]) -> float:
    """Return the mean of the middle half: as deaf to outliers as the median, but finer on whole numbers."""
    cut = len(values) // 4
    return statistics.fmean(sorted(values)[cut : len(values) - cut])


def laid_out(value: object, depth: int = 0) -> str:
    """Return JSON with a line for each table, limit and row of raw numbers, floats with seven digits."""
    if isinstance(value, float):
        return json.dumps(float(f"{value:.7g}"))
    if isinstance(value, dict):
        parts = [f"{json.dumps(str(key))}: {laid_out(one, depth + 1)}" for key, one in value.items()]
        begin, end = "{}"
    elif isinstance(value, list | tuple):
        parts = [laid_out(one, depth + 1) for one in value]
        begin, end = "[]"
    else:
        return json.dumps(value)
    if depth >= _LINES_DEPTH or not parts:
        return begin + ", ".join(parts) + end
    between = ",\n" + " " * (depth + 1)
    return f"{begin}\n{' ' * (depth + 1)}{between.join(parts)}\n{' ' * depth}{end}"


def _options(arguments: Sequence[str]) -> list[str]:
    """Leave out where the file is written: it says nothing of the measurement."""
    kept, skip = [], False
    for argument in arguments:
        if not skip and argument != "--json" and not argument.startswith("--json="):
            kept.append(argument)
        skip = argument == "--json"
    return kept


def _shown(cell: object) -> str:
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)
