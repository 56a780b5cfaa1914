# SPDX-License-Identifier: GPL-2.0-only
"""plan(): the next steps for one pair.

Invariants, for any order of events (tests/unit/planner checks them on random sequences):

* a VF is permitted only if home is attached to it, it has the synthetic NIC's MTU and MAC, and the synthetic
  NIC is up;
* before anything else is done to a VF that is permitted and no longer fits, the permission is withdrawn;
  neither a failed step nor its retry time delays that;
* with nothing left to do the pair is attached, unless it is refused and was not attached; its VF is the
  candidate, and it is permitted unless the pair is drained or an operator has to allow its return, it is
  damped, held after a stall or as unreachable, refused the synthetic NIC's MTU, lacks a required XDP program,
  or the synthetic NIC is down;
* a VF that netvsc-bpf decided not to use is down, unless the policy is to leave it up: otherwise an embedded
  switch, and hv_netvsc, would keep using it.

The order of the steps: withdraw, release, attach, describe, return policy, join, take down, sync settings,
permit, replace the interim filter, flags, order. A plan contains only steps that do not depend on the outcome
of earlier ones; the rest is planned after they are done.
"""

from dataclasses import dataclass

from netvsc_bpf.model.path import LeavePolicy, Reason, ReturnPolicy
from netvsc_bpf.planner.actions import (
    Action,
    Attach,
    Describe,
    FollowFlags,
    FollowMac,
    FollowMtu,
    FollowUp,
    Join,
    Leave,
    Permit,
    PutLast,
    RepairMtu,
    ReplaceInterim,
    SetReturn,
    Withdraw,
)
from netvsc_bpf.planner.observation import Joined, PairObservation

_STORED_REASONS = frozenset(
    {
        Reason.DRAINED,
        Reason.DAMPED,
        Reason.STALLED,
        Reason.UNREACHABLE,
        Reason.MANUAL,
        Reason.XDP_MISSING,
        Reason.NO_CARRIER,
    }
)
"""Reasons that are stored for `status` even without a permission to withdraw: else they are invisible."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The operator's settings, and the current decisions of damping and the stall watch."""

    settle_ms: int = 100
    damped: bool = False
    held: Reason | None = None
    """Why the VF is held: it did not transmit, or reached nothing (planner/stall.py)."""
    needs_xdp: bool = False
    """The VF must run an XDP program if a foreign one runs on the synthetic NIC."""
    leave: LeavePolicy = LeavePolicy.DOWN
    no_link: bool = False
    """The VF was enslaved by hv_netvsc and lost its carrier (planner/lost_link.py)."""
    all_multicast: bool = False
    """A VF whose ingress home redirects receives all multicast (AttachOptions.all_multicast)."""
    returns: ReturnPolicy = ReturnPolicy.AUTO
    lingers: bool = False
    """The pair was drained just now, and frames in flight to the VF have still to arrive (LINGER_S)."""


def plan(seen: PairObservation, wanted: Wanted) -> list[Action]:
    """Return the steps to take now, in order; an empty list if nothing has to be done."""
    steps = (
        _release(seen)
        or _attachment(seen)
        or _description(seen)
        or _return_policy(seen, wanted)
        or _use(seen, wanted)
        or _order(seen)
    )
    return [*_withdrawal(seen, wanted), *steps]


def why_unfit(seen: PairObservation, joined: Joined, wanted: Wanted) -> Reason | None:
    """Return why the VF must not be permitted now, None if it may be."""
    synthetic, vf = seen.synthetic, joined.vf
    if not _is_candidate(seen, joined):
        return Reason.NO_VF
    if joined.denied is not None:
        return joined.denied
    if not synthetic.up:
        return Reason.SYNTHETIC_DOWN
    if not joined.home or vf.mac != synthetic.mac or vf.mtu != synthetic.mtu:
        return Reason.NOT_PERMITTED
    return _decision(seen, joined, wanted)


def _decision(seen: PairObservation, joined: Joined, wanted: Wanted) -> Reason | None:
    """Return the decision for which a VF that could carry traffic must not be used, None if there is none."""
    if joined.denied is not None:
        return joined.denied
    if seen.drained is not None:
        return Reason.DRAINED
    if seen.pending and wanted.returns is ReturnPolicy.MANUAL:
        return Reason.MANUAL
    if wanted.needs_xdp and joined.bypassed_xdp is not None:
        return Reason.XDP_MISSING
    if wanted.damped:
        return Reason.DAMPED
    if wanted.held is not None:
        return wanted.held
    return Reason.NO_CARRIER if wanted.no_link else None


def _withdrawal(seen: PairObservation, wanted: Wanted) -> list[Action]:
    joined = seen.joined
    if joined is None:
        return []
    why = why_unfit(seen, joined, wanted)
    # Withdrawing without a permission stores the reason for `status`.
    unstored = why in _STORED_REASONS and joined.withheld is not why
    if why is None or not (joined.permitted or unstored):
        return []
    return [Withdraw(seen.synthetic.ifindex, why)]


def _release(seen: PairObservation) -> list[Action]:
    """Return the release of a VF that no longer fits, before any step that may fail, as attaching a hook."""
    ifindex = seen.synthetic.ifindex
    if seen.joined is None:
        return [Leave(ifindex, Reason.VF_GONE)] if seen.left_behind else []
    return [] if _is_candidate(seen, seen.joined) else [Leave(ifindex, Reason.NO_VF)]


def _attachment(seen: PairObservation) -> list[Action]:
    if seen.refused and not seen.attached:
        return []
    return [] if seen.steer and seen.guard else [Attach(seen.synthetic.ifindex)]


def _description(seen: PairObservation) -> list[Action]:
    return [] if seen.described or not seen.attached else [Describe(seen.synthetic.ifindex)]


def _return_policy(seen: PairObservation, wanted: Wanted) -> list[Action]:
    """Return the change of the return policy, before a permission: a VF may fail at once."""
    if not seen.attached or seen.returns is wanted.returns:
        return []
    return [SetReturn(seen.synthetic.ifindex, wanted.returns)]


def _order(seen: PairObservation) -> list[Action]:
    """Return the move of steer to the end. It is last, so that its failure does not delay a VF."""
    return [PutLast(seen.synthetic.ifindex)] if seen.passed_by else []


def _use(seen: PairObservation, wanted: Wanted) -> list[Action]:
    if seen.joined is None:
        down = _why_joined_down(seen, wanted)
        return [] if seen.candidate is None else [Join(seen.synthetic.ifindex, seen.candidate, down)]
    joined = seen.joined
    down = _why_down(seen, joined, wanted)
    return (
        _take_down(seen, joined, down, wanted)
        or _sync(seen, joined, down)
        or _permission(seen, joined, wanted)
        or [*_interim_replacement(seen, joined), *_flags(seen, joined, wanted)]
    )


def _why_joined_down(seen: PairObservation, wanted: Wanted) -> Reason | None:
    """Return why a VF that joins is not brought up, None if it is."""
    if wanted.leave is not LeavePolicy.DOWN:
        return None
    if seen.drained is not None:
        return Reason.DRAINED
    if seen.pending:
        return Reason.MANUAL
    return Reason.DAMPED if wanted.damped else None


def _is_candidate(seen: PairObservation, joined: Joined) -> bool:
    """Return whether the VF still fits: it is paired, and its MAC was not changed externally."""
    paired = seen.candidate is not None and seen.candidate.ifindex == joined.vf.ifindex
    return paired and joined.vf.mac in (joined.followed.mac, seen.synthetic.mac)


def _why_down(seen: PairObservation, joined: Joined, wanted: Wanted) -> Reason | None:
    """Return why the VF has to be down while the synthetic NIC is up, None if it has to be up too."""
    if wanted.leave is not LeavePolicy.DOWN or not seen.synthetic.up:
        return None
    return _decision(seen, joined, wanted)


def _take_down(seen: PairObservation, joined: Joined, down: Reason | None, wanted: Wanted) -> list[Action]:
    """Return the step that takes the VF down, before steps that can be refused; also if it was brought up.

    A VF that was taken down externally before is not brought up afterwards.
    """
    if down is None or not joined.vf.up or (down is Reason.DRAINED and wanted.lingers):
        return []
    return [FollowUp(seen.synthetic.ifindex, False, down)]


def _sync(seen: PairObservation, joined: Joined, down: Reason | None) -> list[Action]:
    """Return the step that syncs the VF's settings with the synthetic NIC."""
    ifindex, synthetic, vf, followed = seen.synthetic.ifindex, seen.synthetic, joined.vf, joined.followed
    refused = joined.denied is Reason.MTU_REFUSED
    if not followed.mtu:
        # Joining was interrupted before it was given any settings: there is no previous value to restore.
        return [Join(ifindex, vf, down)]
    if synthetic.mac != followed.mac:
        return [FollowMac(ifindex, synthetic.mac, otherwise=followed.mac)]
    if synthetic.mtu != followed.mtu:
        return [FollowMtu(ifindex, synthetic.mtu, otherwise=followed.mtu)]
    if refused == (vf.mtu == followed.mtu):
        # Changed externally on the VF only: away from the value it was given, or to the one it refused.
        return [RepairMtu(ifindex, followed.mtu)]
    if not joined.home and not refused:
        return [Join(ifindex, vf, down)]
    if down is None and synthetic.up != followed.up:
        return [FollowUp(ifindex, synthetic.up)]
    return []


def _permission(seen: PairObservation, joined: Joined, wanted: Wanted) -> list[Action]:
    if why_unfit(seen, joined, wanted) is not None:
        return []
    if joined.permitted and joined.settle_ms == wanted.settle_ms:
        return []
    return [Permit(seen.synthetic.ifindex, wanted.settle_ms)]


def _interim_replacement(seen: PairObservation, joined: Joined) -> list[Action]:
    """Return the replacement of home's interim filter, which manager/state/deferred_steps.py may defer."""
    return [ReplaceInterim(seen.synthetic.ifindex)] if joined.interim and joined.home else []


def _flags(seen: PairObservation, joined: Joined, wanted: Wanted) -> list[Action]:
    """Return the change of flags. It is last, because a VF that refuses it carries traffic anyway."""
    if joined.denied is not None:
        return []
    promisc = seen.synthetic.promiscuity > 0
    allmulti = seen.synthetic.allmulti > 0 or (wanted.all_multicast and joined.redirected)
    # The record is written before the change: the manager may have been killed in between.
    missing = (promisc and not joined.vf.promiscuity) or (allmulti and not joined.vf.allmulti)
    if (promisc, allmulti) == (joined.followed.promisc, joined.followed.allmulti) and not missing:
        return []
    return [FollowFlags(seen.synthetic.ifindex, promisc, allmulti)]
