# SPDX-License-Identifier: GPL-2.0-only
"""How one pair stands, as read from the kernel at one moment."""

from dataclasses import dataclass

from netvsc_bpf.model.drain import Drain
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Liveness, Reason


@dataclass(frozen=True, slots=True)
class Followed:
    """What the VF was last given of the synthetic NIC's settings.

    It tells who moved: where the synthetic NIC differs from it, the VF has to follow; where only the VF
    differs, somebody changed the VF alone.
    """

    up: bool
    """False as well where we took the VF down for a reason of our own."""
    mtu: int
    mac: str
    promisc: bool = False
    allmulti: bool = False


@dataclass(frozen=True, slots=True)
class Joined:
    """The VF that the pair has now."""

    vf: Nic
    home: bool
    """home is attached to it."""
    followed: Followed
    permitted: bool
    armed: bool
    settle_ms: float
    denied: Reason | None = None
    """Why it cannot be permitted whatever we want: it refused the MTU."""
    withheld: Reason | None = None
    """While not permitted: the reason that was given for that."""
    bypassed_xdp: int | None = None
    """An XDP program on the synthetic NIC, not ours, that does not see the VF's frames."""
    interim: bool = False
    """home was attached in haste, by a filter that has to give way to its link."""


@dataclass(frozen=True, slots=True)
class PairObservation:
    """One synthetic NIC that is to be attached, and all that the kernel says of it."""

    synthetic: Nic
    steer: bool
    """steer is attached."""
    guard: bool
    """guard is as it should be: attached, or not wanted."""
    liveness: Liveness
    passed_by: tuple[int, ...] = ()
    """tcx programs (ids) that were attached after steer: they do not see what goes to the VF."""
    guard_lost: bool = False
    """guard is not attached though the pair has a mode that takes it: somebody else detached it."""
    joined: Joined | None = None
    left_behind: bool = False
    """The VF of this pair is gone, and what it left in the maps is not cleared yet."""
    attached: bool = True
    """It has a slot: attach, complete or not, has been here."""
    refused: bool = False
    """Pairing refuses it, as `attach` would: nothing is begun then."""
    drained: Drain | None = None
    """An operator drained it, and its time is not over."""
    candidate: Nic | None = None
    """The NIC that pairing would take as VF now: the joined one while it fits."""
