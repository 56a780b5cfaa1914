# SPDX-License-Identifier: GPL-2.0-only
"""plan(): the next steps for one pair.

What must hold at every moment, whatever order events come in (tests/unit/planner checks it on any sequence):

* a VF is permitted only if home is attached to it, its MTU and MAC are the synthetic NIC's, and the synthetic
  NIC is up;
* before anything else is done to a VF that is permitted and no longer fits, the permission is withdrawn, and
  neither a step that fails nor its waiting time stands in the way of that;
* with nothing left to do the pair is attached, unless it is refused and was not before; its VF is the
  candidate, and it is permitted unless an operator drained the pair, it is damped or held back after a stall,
  cannot take the synthetic NIC's MTU, lacks an XDP program that it must have, or the synthetic NIC is down;
* a VF that we decided not to use is down, unless the policy is to leave it up: otherwise an embedded switch,
  and hv_netvsc, would go on using it.

The order of what is returned: withdraw, release, attach, join, take down, bring into step, permit, fasten,
flags, order. A plan has the steps on whose outcome the next ones do not depend; the rest is planned anew.
"""

from dataclasses import dataclass

from netvsc_bpf.model.path import LeavePolicy, Reason
from netvsc_bpf.planner.actions import (
    Action,
    Attach,
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
    Withdraw,
)
from netvsc_bpf.planner.observation import Joined, PairObservation

_WORTH_SAYING = frozenset(
    {Reason.DRAINED, Reason.DAMPED, Reason.STALLED, Reason.XDP_MISSING, Reason.NO_CARRIER}
)
"""What somebody can do something about, and could not see otherwise."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator asked for, and what damping and the stall watch say now."""

    settle_ms: int = 100
    damped: bool = False
    held: bool = False
    """It did not transmit, and its time has not come yet (planner/stall.py)."""
    needs_xdp: bool = False
    """It must run an XDP program where somebody's runs on the synthetic NIC."""
    leave: LeavePolicy = LeavePolicy.DOWN
    no_link: bool = False
    """It was enslaved by its driver and lost its carrier (planner/lost_link.py)."""
    lingers: bool = False
    """The pair was drained just now: what is on its way to the VF has still to arrive (LINGER_S)."""


def plan(seen: PairObservation, wanted: Wanted) -> list[Action]:
    """Return the steps to take now, in order; an empty list when all is as it should be."""
    steps = _letting_go(seen) or _attaching(seen) or _using(seen, wanted) or _ordering(seen)
    return [*_withdrawal(seen, wanted), *steps]


def why_unfit(seen: PairObservation, joined: Joined, wanted: Wanted) -> Reason | None:
    """Return why the VF must not be permitted as things stand, None if it may."""
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
    """Return why a VF that could carry traffic must not: not for a failure, nor while a change lasts."""
    if joined.denied is not None:
        return joined.denied
    if seen.drained is not None:
        return Reason.DRAINED
    if wanted.needs_xdp and joined.bypassed_xdp is not None:
        return Reason.XDP_MISSING
    if wanted.damped:
        return Reason.DAMPED
    if wanted.held:
        return Reason.STALLED
    return Reason.NO_CARRIER if wanted.no_link else None


def _withdrawal(seen: PairObservation, wanted: Wanted) -> list[Action]:
    joined = seen.joined
    if joined is None:
        return []
    why = why_unfit(seen, joined, wanted)
    # Not permitted, but `status` shall say why.
    unsaid = why in _WORTH_SAYING and joined.withheld is not why
    if why is None or not (joined.permitted or unsaid):
        return []
    return [Withdraw(seen.synthetic.ifindex, why)]


def _letting_go(seen: PairObservation) -> list[Action]:
    """Letting go waits for nothing: a hook that cannot be attached must not keep a VF that is none."""
    ifindex = seen.synthetic.ifindex
    if seen.joined is None:
        return [Leave(ifindex, Reason.VF_GONE)] if seen.left_behind else []
    return [] if _is_candidate(seen, seen.joined) else [Leave(ifindex, Reason.NO_VF)]


def _attaching(seen: PairObservation) -> list[Action]:
    if seen.refused and not seen.attached:
        return []
    return [] if seen.steer and seen.guard else [Attach(seen.synthetic.ifindex)]


def _ordering(seen: PairObservation) -> list[Action]:
    """Come last: it must not keep a VF waiting if it cannot be done."""
    return [PutLast(seen.synthetic.ifindex)] if seen.passed_by else []


def _using(seen: PairObservation, wanted: Wanted) -> list[Action]:
    if seen.joined is None:
        down = _why_joined_down(seen, wanted)
        return [] if seen.candidate is None else [Join(seen.synthetic.ifindex, seen.candidate, down)]
    joined = seen.joined
    down = _why_down(seen, joined, wanted)
    return (
        _taking_down(seen, joined, down, wanted)
        or _in_step(seen, joined, down)
        or _permission(seen, joined, wanted)
        or [*_interim_replacement(seen, joined), *_flags(seen, joined)]
    )


def _why_joined_down(seen: PairObservation, wanted: Wanted) -> Reason | None:
    """Return why a VF that joins is not brought up, None if it is."""
    if wanted.leave is not LeavePolicy.DOWN:
        return None
    if seen.drained is not None:
        return Reason.DRAINED
    return Reason.DAMPED if wanted.damped else None


def _is_candidate(seen: PairObservation, joined: Joined) -> bool:
    """Return whether the VF still is one: paired, and with no MAC that somebody else gave it."""
    paired = seen.candidate is not None and seen.candidate.ifindex == joined.vf.ifindex
    return paired and joined.vf.mac in (joined.followed.mac, seen.synthetic.mac)


def _why_down(seen: PairObservation, joined: Joined, wanted: Wanted) -> Reason | None:
    """Return why the VF has to be down while the synthetic NIC is up, None if it follows that."""
    if wanted.leave is not LeavePolicy.DOWN or not seen.synthetic.up:
        return None
    return _decision(seen, joined, wanted)


def _taking_down(seen: PairObservation, joined: Joined, down: Reason | None, wanted: Wanted) -> list[Action]:
    """Come before whatever can be refused. Somebody who brings it up again meanwhile is not followed.

    One that somebody took down already stays theirs: we do not bring it up afterwards.
    """
    if down is None or not joined.vf.up or (down is Reason.DRAINED and wanted.lingers):
        return []
    return [FollowUp(seen.synthetic.ifindex, False, down)]


def _in_step(seen: PairObservation, joined: Joined, down: Reason | None) -> list[Action]:
    """Return what keeps the VF in step with the synthetic NIC."""
    ifindex, synthetic, vf, followed = seen.synthetic.ifindex, seen.synthetic, joined.vf, joined.followed
    refused = joined.denied is Reason.MTU_REFUSED
    if not followed.mtu:
        # Whoever joined it was interrupted before it was given anything: there is nothing to go back to.
        return [Join(ifindex, vf, down)]
    if synthetic.mac != followed.mac:
        return [FollowMac(ifindex, synthetic.mac, otherwise=followed.mac)]
    if synthetic.mtu != followed.mtu:
        return [FollowMtu(ifindex, synthetic.mtu, otherwise=followed.mtu)]
    if refused == (vf.mtu == followed.mtu):
        # Somebody changed it on the VF alone: away from what it was given, or to what it refused before.
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
    """Come after the permission: it may be deferred (manager/state/deferred_steps.py)."""
    return [ReplaceInterim(seen.synthetic.ifindex)] if joined.interim and joined.home else []


def _flags(seen: PairObservation, joined: Joined) -> list[Action]:
    """Come last: a VF that knows no such mode carries the pair's own traffic all the same."""
    if joined.denied is not None:
        return []
    promisc, allmulti = seen.synthetic.promiscuity > 0, seen.synthetic.allmulti > 0
    # It is noted before it is done: a manager may have been killed in between.
    missing = (promisc and not joined.vf.promiscuity) or (allmulti and not joined.vf.allmulti)
    if (promisc, allmulti) == (joined.followed.promisc, joined.followed.allmulti) and not missing:
        return []
    return [FollowFlags(seen.synthetic.ifindex, promisc, allmulti)]
