# SPDX-License-Identifier: GPL-2.0-only
"""The cells of the table: which frames, in which state of the pair, and how often each is to be delivered."""

from enum import StrEnum

from netvsc_bpf.lab.plan import Fabric

FABRICS = (Fabric.HUB, Fabric.LEARNING, Fabric.SNOOPING, Fabric.EMBEDDED)


class State(StrEnum):
    """What the pair is doing, in the order in which it is brought to do so."""

    ARMED = "armed"
    """The VF is the path, and a manager runs."""
    SETTLING = "settling"
    """The VF is up again, and the synthetic NIC is the path until the settle time is over."""
    DAMPED = "damped"
    """The manager has taken the VF down."""
    NO_MANAGER = "no-manager"
    """The VF is the path; the manager was killed before what this state asks for was done."""


class Kind(StrEnum):
    """A class of frames. Where nothing else is said it comes from the peer."""

    UNICAST = "unicast"
    """To the pair, which the fabric has heard a moment ago."""
    FLOODED = "unicast-flooded"
    """To the pair, which the fabric has forgotten."""
    BROADCAST = "broadcast"
    GROUP = "group"
    """To a group that the guest joined in this state."""
    KEPT_GROUP = "group-kept"
    """To a group that the guest joined, and reported, in the state before: by another path, but from settling
    to damped. Before the first state the pair was not attached."""
    CROWDED_GROUP = "group-crowded"
    """To a joined group that the VF's filter has no room for any more."""
    STRANGE_GROUP = "group-not-joined"
    FOREIGN = "foreign-unicast"
    """To a station that is not here and that the fabric does not know."""
    OWN_BROADCAST = "own-broadcast"
    """The guest's own, coming back from the fabric."""
    OWN_UNICAST = "own-unicast"
    """The guest's own to a station that the fabric does not know, coming back."""
    INNER = "inner-unicast"
    """To a MAC behind a bridge above the synthetic NIC, which is promiscuous then; heard a moment ago."""
    INNER_FLOODED = "inner-unicast-flooded"
    """To such a MAC, which the fabric has forgotten."""
    INNER_OWN_BROADCAST = "inner-own-broadcast"
    """From such a MAC, coming back."""
    INNER_OWN_UNICAST = "inner-own-unicast"
    """From such a MAC to a station that the fabric does not know, coming back."""


NEVER = frozenset({Kind.OWN_BROADCAST, Kind.OWN_UNICAST, Kind.INNER_OWN_BROADCAST, Kind.INNER_OWN_UNICAST})
"""The guest sent them: a bridge above would learn its own stations at the uplink."""
AT_MOST_ONCE = frozenset({Kind.STRANGE_GROUP, Kind.FOREIGN})
"""Not requested by the guest: a NIC, a switch or guard may drop them, or not."""


def right(kind: Kind) -> frozenset[int]:
    """Return how often such a frame may be delivered to the synthetic NIC's stack, on any fabric."""
    if kind in NEVER:
        return frozenset({0})
    return frozenset({0, 1}) if kind in AT_MOST_ONCE else frozenset({1})
