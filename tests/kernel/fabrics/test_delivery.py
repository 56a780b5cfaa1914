# SPDX-License-Identifier: GPL-2.0-only
"""Each class of frames, in each state of a pair, on each kind of fabric: how often is it delivered?

The table is measured once for each fabric, with one manager that goes from state to state.
"""

from pathlib import Path as FilePath

import pytest

from netvsc_bpf.lab.plan import Fabric
from tests.kernel.fabrics.kinds import FABRICS, Kind, State, right
from tests.kernel.fabrics.table import Table, table


class Tables:
    """The table of each fabric, measured when it is first asked for."""

    def __init__(self, folder: FilePath) -> None:
        self._folder = folder
        self._tables: dict[Fabric, Table | Exception] = {}

    def of(self, fabric: Fabric) -> Table:
        """Return a fabric's table.

        Raises:
            RuntimeError: it could not be measured, now or before. No cell may take that for its own fault.
        """
        if fabric not in self._tables:
            try:
                self._tables[fabric] = table(fabric, self._folder)
            except Exception as error:
                self._tables[fabric] = error
        found = self._tables[fabric]
        if isinstance(found, Exception):
            raise RuntimeError(f"{fabric} could not be measured") from found
        return found


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return Tables(tmp_path_factory.mktemp("fabrics"))


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("fabric", FABRICS)
def test_frame_is_delivered_as_often_as_is_right(
    tables: Tables, fabric: Fabric, state: State, kind: Kind
) -> None:
    found = tables.of(fabric)[state, kind]
    assert found.delivered in right(kind), found


COPIES = {
    Fabric.HUB: {Kind.UNICAST: (1, 1), Kind.FLOODED: (1, 1), Kind.GROUP: (1, 1), Kind.STRANGE_GROUP: (1, 1)},
    Fabric.LEARNING: {
        Kind.UNICAST: (0, 1),
        Kind.FLOODED: (1, 1),
        Kind.GROUP: (1, 1),
        Kind.STRANGE_GROUP: (1, 1),
    },
    Fabric.SNOOPING: {
        Kind.UNICAST: (0, 1),
        Kind.FLOODED: (1, 1),
        Kind.GROUP: (0, 1),
        Kind.STRANGE_GROUP: (0, 0),
    },
    Fabric.EMBEDDED: {
        Kind.UNICAST: (0, 1),
        Kind.FLOODED: (0, 1),
        Kind.GROUP: (1, 1),
        Kind.STRANGE_GROUP: (1, 1),
    },
}
"""By the synthetic NIC and by the VF, which is in all-multicast mode, while the VF is the path."""


@pytest.mark.parametrize("fabric", FABRICS)
def test_fabric_hands_out_copies_as_its_kind_does(tables: Tables, fabric: Fabric) -> None:
    measured = tables.of(fabric)
    found = {kind: measured[State.ARMED, kind] for kind in COPIES[fabric]}
    assert {kind: (one.by_synthetic, one.by_vf) for kind, one in found.items()} == COPIES[fabric]
