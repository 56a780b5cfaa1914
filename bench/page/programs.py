# SPDX-License-Identifier: GPL-2.0-only
"""Each program by itself: its table, with program, fallback level and state in columns of their own."""

from bench.page.result import Result, Table

_LABELS = ("program", "level", "state")


def tables(result: Result) -> list[Table]:
    """Split the first column, as `steer_live, armed`, into three."""
    return [
        Table(
            one.title,
            (*_LABELS, *one.columns[1:]),
            tuple((*_labels(row[0]), *row[1:]) for row in one.rows),
            len(_LABELS),
        )
        for one in result.tables
    ]


def _labels(name: str) -> tuple[str, str, str]:
    program, _, state = name.partition(", ")
    program, _, level = program.partition("_")
    return program, level or "-", state or "-"
