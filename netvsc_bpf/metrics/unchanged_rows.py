# SPDX-License-Identifier: GPL-2.0-only
"""Samples of an interface that seldom change: they are formatted again only if one of them has changed."""

from collections.abc import Iterable

from netvsc_bpf.metrics import text
from netvsc_bpf.metrics.family import Family
from netvsc_bpf.metrics.last_round import MadeOf
from netvsc_bpf.metrics.row_metric import Block, Row
from netvsc_bpf.metrics.samples import Samples

FamilyRow = tuple[Family, float, tuple[str, ...]]
"""A family, the value, and the label values in the family's order."""


class UnchangedRows:
    """Adds samples of counters and gauges, interface by interface."""

    def __init__(self) -> None:
        self._blocks = MadeOf[str, tuple[FamilyRow, ...], tuple[tuple[Family, Block], ...]]()

    def begin_round(self) -> None:
        """Begin a scrape: interfaces that were not in the last one are dropped."""
        self._blocks.begin()

    def add(self, samples: Samples, interface: str, rows: Iterable[FamilyRow]) -> None:
        """Add all such samples of one interface."""
        for family, block in self._blocks.of(interface, tuple(rows), _blocks):
            samples.again(family, block)


def _blocks(rows: tuple[FamilyRow, ...]) -> tuple[tuple[Family, Block], ...]:
    return tuple((family, formatted(family, ((value, labels),))) for family, value, labels in rows)


def formatted(family: Family, rows: tuple[Row, ...]) -> Block:
    """Return rows of one family as a block."""
    return Block(rows, "".join(text.lines(family.full_name, family.labels, rows)))
