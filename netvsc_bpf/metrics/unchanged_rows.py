# SPDX-License-Identifier: GPL-2.0-only
"""Samples of an interface that seldom change: they are formatted again only if one of them has changed."""

from collections.abc import Iterable

from netvsc_bpf.metrics import text
from netvsc_bpf.metrics.family import Family
from netvsc_bpf.metrics.last_round import LastRound
from netvsc_bpf.metrics.row_metric import Block
from netvsc_bpf.metrics.samples import Samples

FamilyRow = tuple[Family, float, tuple[str, ...]]
"""A family, the value, and the label values in the family's order."""


class UnchangedRows:
    """Adds samples of counters and gauges, interface by interface."""

    def __init__(self) -> None:
        self._known = LastRound[str, tuple[tuple[FamilyRow, ...], tuple[tuple[Family, Block], ...]]]()

    def begin_round(self) -> None:
        """Begin a scrape: interfaces that were not in the last one are dropped."""
        self._known.begin()

    def add(self, samples: Samples, interface: str, rows: Iterable[FamilyRow]) -> None:
        """Add all such samples of one interface."""
        now = tuple(rows)
        before = self._known.get(interface)
        if before is None or before[0] != now:
            before = now, tuple((family, _block(family, value, labels)) for family, value, labels in now)
        self._known.keep(interface, before)
        for family, block in before[1]:
            samples.again(family, block)


def _block(family: Family, value: float, labels: tuple[str, ...]) -> Block:
    rows = ((value, labels),)
    return Block(rows, "".join(text.lines(family.full_name, family.labels, rows)))
