# SPDX-License-Identifier: GPL-2.0-only
"""What the manager can do to a pair. Each is one step that either holds afterwards or was undone."""

from collections.abc import Iterable
from dataclasses import dataclass

from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Reason


@dataclass(frozen=True, slots=True)
class Action:
    """One step on the pair of this synthetic NIC."""

    ifindex: int


@dataclass(frozen=True, slots=True)
class Attach(Action):
    """Give the synthetic NIC what it lacks of slot, steer and guard.

    A repair where it was attached before.
    """


@dataclass(frozen=True, slots=True)
class PutLast(Action):
    """Put steer behind the tcx programs that were attached after it (datapath/order.py)."""


@dataclass(frozen=True, slots=True)
class Join(Action):
    """Take a VF into the pair: settings, DEVMAP, home. It is permitted by another step."""

    vf: Nic
    down: Reason | None = None
    """Why it is not brought up with the synthetic NIC, None if it is."""


@dataclass(frozen=True, slots=True)
class ReplaceInterim(Action):
    """Put home's link in place of the filter that it was attached by at first.

    Nobody waits for it, and it takes long (datapath/interim_filter.py).
    """


@dataclass(frozen=True, slots=True)
class Leave(Action):
    """Withdraw the permission and let the VF go, its settings put back as found where it is still there."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Permit(Action):
    """Allow the kernel to use the VF after `settle_ms` of being usable."""

    settle_ms: int


@dataclass(frozen=True, slots=True)
class Withdraw(Action):
    """Forbid the VF; the synthetic path carries everything from this moment on."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class FollowUp(Action):
    """Bring the VF up or down: with the synthetic NIC, or down for a reason of our own."""

    up: bool
    because: Reason | None = None


@dataclass(frozen=True, slots=True)
class FollowMtu(Action):
    """Give the VF the synthetic NIC's MTU; where it refuses, put the synthetic NIC's back to `otherwise`."""

    mtu: int
    otherwise: int


@dataclass(frozen=True, slots=True)
class RepairMtu(Action):
    """Put the VF's MTU back: somebody changed it on the VF alone."""

    mtu: int


@dataclass(frozen=True, slots=True)
class FollowMac(Action):
    """Give the VF the synthetic NIC's MAC; where it refuses, put the synthetic NIC's back to `otherwise`."""

    mac: str
    otherwise: str


@dataclass(frozen=True, slots=True)
class FollowFlags(Action):
    """Put the VF into promiscuous and all-multicast mode, or out of them, as the synthetic NIC is."""

    promisc: bool
    allmulti: bool


@dataclass(frozen=True, slots=True)
class Release(Action):
    """Let everything of a pair go whose synthetic NIC is gone; its VF is put back as found."""


def orphans(attached: Iterable[int], present: Iterable[int]) -> list[Release]:
    """Return the releases of the attached synthetic NICs (by ifindex) that are not there any more."""
    return [Release(ifindex) for ifindex in sorted(set(attached) - set(present))]
