# SPDX-License-Identifier: GPL-2.0-only
"""The table of one fabric: every class of frames in every state of a pair."""

from pathlib import Path

from netvsc_bpf.lab.plan import Fabric
from tests.kernel.fabrics.kinds import Kind, State
from tests.kernel.fabrics.measure import Measured, measure
from tests.kernel.fabrics.scene import scene

Table = dict[tuple[State, Kind], Measured]


def table(fabric: Fabric, folder: Path) -> Table:
    """Measure it, with one manager that goes from state to state; its files are below ``folder``."""
    own = folder / fabric
    own.mkdir()
    found: Table = {}
    with scene(fabric, own) as pair:
        for state in State:
            pair.enter(state)
            found |= {(state, kind): one for kind, one in measure(pair, state).items()}
    return found
