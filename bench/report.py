# SPDX-License-Identifier: GPL-2.0-only
"""What a measurement prints and writes: tables, claims with their limits, and every raw number as JSON."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

_WIDTH = 110


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

    def __init__(self, name: str, json_path: Path | None) -> None:
        self._name = name
        self._json_path = json_path
        self._claims: list[Claim] = []
        self._raw: dict[str, object] = {}
        self._console = Console()
        if not self._console.is_terminal:
            self._console = Console(width=_WIDTH)
        self._machine = {
            "kernel": platform.release(),
            "cpus": len(os.sched_getaffinity(0)),
            "load_before": os.getloadavg()[0],
        }

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print a table; its first column holds words, the others numbers."""
        table = Table(title=title, title_justify="left")
        for number, column in enumerate(columns):
            table.add_column(column, justify="right" if number else "left")
        for row in rows:
            table.add_row(*(_shown(cell) for cell in row))
        self._console.print(table)

    def say(self, line: str) -> None:
        """Print a line as it is."""
        self._console.print(line, markup=False, highlight=False)

    def raw(self, key: str, value: object) -> None:
        """Keep numbers for the JSON file."""
        self._raw[key] = value

    def claim(self, what: str, measured: float, limit: float, unit: str, *, at_least: bool = False) -> None:
        """Hold a number against its limit."""
        self._claims.append(Claim(what, measured, limit, unit, at_least))

    def finish(self) -> int:
        """Print the claims, write the JSON, and return the exit status: 0 where every claim holds."""
        for claim in self._claims:
            self.say(str(claim))
        machine = self._machine | {"load_after": os.getloadavg()[0]}
        self.say(
            f"{self._name}: Linux {machine['kernel']}, {machine['cpus']} CPUs, "
            f"load {machine['load_before']:.1f} before and {machine['load_after']:.1f} after"
        )
        if self._json_path is not None:
            claims = [asdict(claim) | {"holds": claim.holds} for claim in self._claims]
            whole = {"benchmark": self._name, "machine": machine, "claims": claims, "raw": self._raw}
            self._json_path.write_text(json.dumps(whole, indent=1) + "\n")
        return 0 if all(claim.holds for claim in self._claims) else 1


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


def _shown(cell: object) -> str:
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)
