# SPDX-License-Identifier: GPL-2.0-only
"""One file that bench/report.py wrote."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.report import Claim


@dataclass(frozen=True, slots=True)
class Table:
    """As it was printed, or made anew of the raw numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int = 1
    """How many columns at the beginning name the row: together they differ from row to row."""


@dataclass(frozen=True, slots=True)
class Result:
    """One run of one benchmark."""

    file: str
    """The file's name without its suffix: that of the benchmark, or one that begins with it."""
    benchmark: str
    date: str
    """When it began: ISO 8601, UTC."""
    options: str
    """Its command-line options, without the file."""
    machine: Mapping[str, Any]
    """As bench/machine.py has it, and `load_before`, `load_after`: load averages of a minute."""
    tables: tuple[Table, ...]
    said: tuple[str, ...]
    limits: tuple[Claim, ...]
    raw: Mapping[str, Any]

    @property
    def missed(self) -> tuple[Claim, ...]:
        """The limits that were not kept."""
        return tuple(one for one in self.limits if not one.holds)


def read(path: Path) -> Result:
    """Read one. Raises KeyError, TypeError or ValueError where it is no such file."""
    whole = json.loads(path.read_text(encoding="utf-8"))
    for one in whole["limits"]:
        del one["holds"]  # it follows from the others
    return Result(
        file=path.stem,
        benchmark=whole["benchmark"],
        date=whole["date"],
        options=whole["options"],
        machine=whole["machine"],
        tables=tuple(
            Table(one["title"], tuple(one["columns"]), tuple(map(tuple, one["rows"])))
            for one in whole["tables"]
        ),
        said=tuple(whole["said"]),
        limits=tuple(Claim(**one) for one in whole["limits"]),
        raw=whole["raw"],
    )


def read_all(folder: Path) -> list[Result]:
    """Read every result there is, in the order of their names."""
    return [read(path) for path in sorted(folder.glob("*.json"))]
