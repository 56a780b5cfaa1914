# SPDX-License-Identifier: GPL-2.0-only
"""The state of one pair, as read from the kernel at one moment."""

from dataclasses import dataclass

from netvsc_bpf.model.drain import Drain
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Liveness, Reason, ReturnPolicy


@dataclass(frozen=True, slots=True)
class Followed:
    """The settings of the synthetic NIC that the VF was last given.

    If the synthetic NIC differs from them, the VF has to follow; if only the VF differs, it was changed
    externally.
    """

    up: bool
    """Also False if netvsc-bpf decided to take the VF down."""
    mtu: int
    mac: str
    promisc: bool = False
    allmulti: bool = False


@dataclass(frozen=True, slots=True)
class Joined:
    """The VF of the pair."""

    vf: Nic
    home: bool
    """home is attached to it."""
    followed: Followed
    permitted: bool
    armed: bool
    settle_ms: float
    denied: Reason | None = None
    """Why it cannot be permitted in any case: it refused the MTU."""
    withheld: Reason | None = None
    """While not permitted: the reason stored for that."""
    bypassed_xdp: int | None = None
    """A foreign XDP program (id) on the synthetic NIC that does not see the VF's frames."""
    redirected: bool = True
    """home redirects its frames, and hv_netvsc does not deliver them."""
    interim: bool = False
    """home is attached by an interim filter, which its link has to replace."""


@dataclass(frozen=True, slots=True)
class PairObservation:
    """One synthetic NIC that is or has to be attached, and its state in the kernel."""

    synthetic: Nic
    steer: bool
    """steer is attached."""
    guard: bool
    """guard is as wanted: attached, or off."""
    liveness: Liveness
    passed_by: tuple[int, ...] = ()
    """tcx programs (ids) that were attached after steer: they do not see packets for the VF."""
    guard_lost: bool = False
    """guard is not attached although the pair's mode requires it: it was detached externally."""
    joined: Joined | None = None
    left_behind: bool = False
    """The VF of this pair is gone, and its entries in the maps are not cleared yet."""
    attached: bool = True
    """It has a slot: it was attached, completely or not."""
    refused: bool = False
    """Pairing refuses it, as `attach` would: it is not attached then."""
    described: bool = True
    """The programs have its MAC, and know what is above it (datapath/describe_nic.py)."""
    returns: ReturnPolicy = ReturnPolicy.AUTO
    """The return policy that is in force in the kernel."""
    pending: bool = False
    """With the policy `manual`: the VF failed, and an operator has to allow its return."""
    drained: Drain | None = None
    """The drain, if it has one that has not expired."""
    candidate: Nic | None = None
    """The NIC that pairing chooses as VF now: the joined one while it fits."""
