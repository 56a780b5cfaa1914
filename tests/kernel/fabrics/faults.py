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
        78,
        "guard stops groups alone: unicast that the guest sent by the VF comes back in by the synthetic NIC",
        frozenset({Kind.OWN_UNICAST, Kind.INNER_OWN_UNICAST}),
        _VF_IS_PATH,
        _ANYWHERE,
    ),
    Fault(
        78,
        "home stops groups alone: unicast sent by the synthetic NIC comes back in by a promiscuous VF",
        frozenset({Kind.INNER_OWN_UNICAST}),
        frozenset({State.SETTLING}),
        _FLOODING,
    ),
    Fault(
        80,
        "a hub sends all unicast to both",
        frozenset({Kind.UNICAST, Kind.INNER}),
        _VF_IS_UP,
        frozenset({Fabric.HUB}),
    ),
    Fault(
        80,
        "unicast that is flooded to both is delivered twice",
        frozenset({Kind.FLOODED, Kind.INNER_FLOODED}),
        _VF_IS_UP,
        _FLOODING,
    ),
    Fault(
        82,
        "the VF does not listen to what was joined without a manager, and guard stops what does arrive",
        frozenset({Kind.GROUP, Kind.CROWDED_GROUP}),
        frozenset({State.NO_MANAGER}),
        _ANYWHERE,
    ),
    Fault(
        83,
        "the VF's filter has no room for the group, and guard stops what does arrive",
        frozenset({Kind.CROWDED_GROUP}),
        frozenset({State.ARMED}),
        _ANYWHERE,
    ),
)


def fault(fabric: Fabric, state: State, kind: Kind) -> Fault | None:
    """Return why a cell is wrong today, None where it is right."""
    return next((one for one in FAULTS if one.covers(fabric, state, kind)), None)
