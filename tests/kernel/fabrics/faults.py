# SPDX-License-Identifier: GPL-2.0-only
"""The cells that are wrong today, each with the design's scenario that it breaks. Remove what is mended."""

from dataclasses import dataclass

from netvsc_bpf.lab.plan import Fabric
from tests.kernel.fabrics.kinds import FABRICS, Kind, State

_ANYWHERE = frozenset(FABRICS)
_FLOODING = _ANYWHERE - {Fabric.EMBEDDED}
_VF_IS_PATH = frozenset({State.ARMED, State.NO_MANAGER})
_VF_IS_UP = _VF_IS_PATH | {State.SETTLING}


@dataclass(frozen=True, slots=True)
class Fault:
    """Cells that are wrong for one reason."""

    scenario: int
    why: str
    kinds: frozenset[Kind]
    states: frozenset[State]
    fabrics: frozenset[Fabric]

    def covers(self, fabric: Fabric, state: State, kind: Kind) -> bool:
        """Say whether a cell is one of these."""
        return fabric in self.fabrics and state in self.states and kind in self.kinds


FAULTS = (
    Fault(
        81,
        "memberships are not reported again: the switch sends to the path of before, or to none",
        frozenset({Kind.KEPT_GROUP}),
        frozenset({State.SETTLING}),
        frozenset({Fabric.SNOOPING}),
    ),
)


def fault(fabric: Fabric, state: State, kind: Kind) -> Fault | None:
    """Return why a cell is wrong today, None where it is right."""
    return next((one for one in FAULTS if one.covers(fabric, state, kind)), None)
