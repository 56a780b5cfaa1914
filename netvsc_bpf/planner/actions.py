# SPDX-License-Identifier: GPL-2.0-only
"""The actions of the manager on a pair. Each one either succeeds or is undone."""

from collections.abc import Iterable
from dataclasses import dataclass

from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Reason, ReturnPolicy


@dataclass(frozen=True, slots=True)
class Action:
    """One action on the pair of this synthetic NIC."""

    ifindex: int


@dataclass(frozen=True, slots=True)
class Attach(Action):
    """Add what is missing of slot, steer and guard to the synthetic NIC.

    If it was attached before, this is a repair.
    """


@dataclass(frozen=True, slots=True)
class Describe(Action):
    """Give the programs the MAC of the synthetic NIC and what is above it (datapath/describe_nic.py)."""


@dataclass(frozen=True, slots=True)
class PutLast(Action):
    """Move steer behind the tcx programs that were attached after it (datapath/order.py)."""


@dataclass(frozen=True, slots=True)
class Join(Action):
    """Add a VF to the pair: settings, DEVMAP, home. The permission is a separate action."""

    vf: Nic
    down: Reason | None = None
    """Why the VF is not brought up with the synthetic NIC, None if it is."""


@dataclass(frozen=True, slots=True)
class ReplaceInterim(Action):
    """Replace home's interim filter by its tcx link.

    This takes long and is not urgent (datapath/interim_filter.py).
    """


@dataclass(frozen=True, slots=True)
class Leave(Action):
    """Withdraw the permission and release the VF; restore its original settings if it still exists."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Permit(Action):
    """Allow the kernel to use the VF once it has been usable for `settle_ms`."""

    settle_ms: int


@dataclass(frozen=True, slots=True)
class Withdraw(Action):
    """Withdraw the permission; from then on all traffic takes the synthetic path."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class SetReturn(Action):
    """Put a return policy into force; `auto` also allows the return of a VF that waits for it."""

    policy: ReturnPolicy


@dataclass(frozen=True, slots=True)
class FollowUp(Action):
    """Bring the VF up or down: as the synthetic NIC is, or down because netvsc-bpf decided it."""

    up: bool
    because: Reason | None = None


@dataclass(frozen=True, slots=True)
class FollowMtu(Action):
    """Give the VF the synthetic NIC's MTU; if it refuses, set the synthetic NIC's back to `otherwise`."""

    mtu: int
    otherwise: int


@dataclass(frozen=True, slots=True)
class RepairMtu(Action):
    """Restore the VF's MTU, which was changed externally on the VF only."""

    mtu: int


@dataclass(frozen=True, slots=True)
class FollowMac(Action):
    """Give the VF the synthetic NIC's MAC; if it refuses, set the synthetic NIC's back to `otherwise`."""

    mac: str
    otherwise: str


@dataclass(frozen=True, slots=True)
class FollowFlags(Action):
    """Switch promiscuous and all-multicast mode of the VF on or off, as on the synthetic NIC."""

    promisc: bool
    allmulti: bool


@dataclass(frozen=True, slots=True)
class Release(Action):
    """Release a pair whose synthetic NIC is gone, and restore the original settings of its VF."""


def orphans(attached: Iterable[int], present: Iterable[int]) -> list[Release]:
    """Return the releases for attached synthetic NICs (ifindexes) that no longer exist."""
    return [Release(ifindex) for ifindex in sorted(set(attached) - set(present))]
