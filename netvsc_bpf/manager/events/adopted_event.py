# SPDX-License-Identifier: GPL-2.0-only
"""The event that a manager takes over a pair that was attached before. Pure."""

from netvsc_bpf.manager.events.kinds import Detail, Event, Kind, Value
from netvsc_bpf.planner.observation import PairObservation


def adopted_event(pair: PairObservation) -> Event:
    """Return the event for a pair as it was found."""
    details: dict[Detail, Value] = {}
    text = "attached before, without a VF"
    if (joined := pair.joined) is not None:
        details[Detail.VF] = joined.vf.name
        state = (
            "used" if joined.armed else "permitted" if joined.permitted else f"not used: {joined.withheld}"
        )
        text = f"attached before, with VF {joined.vf.name} ({state})"
    return Event(Kind.ADOPTED, pair.synthetic.name, text, details=details)
