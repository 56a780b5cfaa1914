# SPDX-License-Identifier: GPL-2.0-only
"""Counters whose label values are a closed set: every series exists from the first scrape on, with 0.

increase() and rate() compare two samples, so a series that begins with 1 does not show its first event.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from netvsc_bpf.metrics import families
from netvsc_bpf.metrics.family import Family
from netvsc_bpf.metrics.last_round import MadeOf
from netvsc_bpf.metrics.row_metric import Block
from netvsc_bpf.metrics.samples import Samples
from netvsc_bpf.metrics.unchanged_rows import formatted
from netvsc_bpf.model.path import Path, Reason

Row = tuple[str, ...]
"""Label values after that of `interface`."""

PATH_CHANGES: tuple[Row, ...] = (
    (Path.VF.value, Reason.ARMED.value),
    *((Path.SYNTHETIC.value, reason.value) for reason in Reason if reason is not Reason.ARMED),
)
"""Only arming leads to the VF (latch_arm()), every other reason to the synthetic path (latch_leave())."""
REPAIRS: tuple[Row, ...] = (("steer",), ("guard",), ("home",), ("RepairMtu",))
"""What the manager can repair on an interface."""
SHARED_REPAIR = ("manager", "sentinel")
"""Repairs of what all pairs share: `interface` and `what`."""


class InterfaceCounts:
    """Adds the samples of one family, interface by interface.

    Most of them are always 0: the lines of an interface are formatted again only if its counts changed.
    """

    def __init__(self, family: Family, rows: Sequence[Row]) -> None:
        assert family.labels[0] == "interface"
        self._family, self._rows = family, rows
        self._blocks = MadeOf[str, Mapping[Row, int], Block]()

    def begin_round(self) -> None:
        """Begin a scrape: interfaces that were not in the last one are dropped."""
        self._blocks.begin()

    def add(self, samples: Samples, interface: str, counts: Mapping[Row, int]) -> None:
        """Add the samples of one interface; `counts` may leave out zeros."""
        # A copy: the caller may go on counting.
        block = self._blocks.of(interface, dict(counts), partial(self._made, interface))
        samples.again(self._family, block)

    def _made(self, interface: str, counts: Mapping[Row, int]) -> Block:
        values = {**dict.fromkeys(self._rows, 0), **counts}
        return formatted(self._family, tuple((value, (interface, *row)) for row, value in values.items()))


def path_changes() -> InterfaceCounts:
    """Return the counts of netvsc_bpf_path_changes_total."""
    return InterfaceCounts(families.PATH_CHANGES, PATH_CHANGES)


def repairs() -> InterfaceCounts:
    """Return the counts of netvsc_bpf_repairs_total."""
    return InterfaceCounts(families.REPAIRS, REPAIRS)
