# SPDX-License-Identifier: GPL-2.0-only
"""plan(): the next steps for one pair.

What must hold at every moment, whatever order events come in (tests/unit/planner checks it on any sequence):

* a VF is permitted only if home is attached to it and its MTU and MAC are the synthetic NIC's;
* before anything else is done to a VF that is permitted and no longer fits, the permission is withdrawn;
* with nothing left to do the pair is attached, its VF is the candidate, and it is permitted unless it is
  damped or cannot take the synthetic NIC's MTU.
"""

from dataclasses import dataclass

from netvsc_bpf.model.path import Reason
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
    RepairMtu,
    Withdraw,
)
from netvsc_bpf.planner.observation import Joined, PairObservation


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator asked for, and what damping says now."""

    settle_ms: int = 100
    damped: bool = False


def plan(seen: PairObservation, wanted: Wanted) -> list[Action]:
    """Return the steps to take now, in order; an empty list when all is as it should be."""
    ifindex = seen.synthetic.ifindex
    if not (seen.steer and seen.guard):
        return [Attach(ifindex)]
    if seen.joined is None:
        return _without_vf(seen)
    if seen.candidate is None or seen.candidate.ifindex != seen.joined.vf.ifindex:
        return [Leave(ifindex, Reason.NO_VF)]
    if not seen.joined.home:
        return _guarded(seen.joined, ifindex, [Join(ifindex, seen.joined.vf)])
    return _in_step(seen, seen.joined) or _permission(seen, seen.joined, wanted)


def _without_vf(seen: PairObservation) -> list[Action]:
    ifindex = seen.synthetic.ifindex
    if seen.left_behind:
        return [Leave(ifindex, Reason.NO_VF)]
    return [] if seen.candidate is None else [Join(ifindex, seen.candidate)]


def _guarded(joined: Joined, ifindex: int, steps: list[Action]) -> list[Action]:
    """Put the withdrawal before steps during which the VF cannot carry the pair's traffic."""
    return [Withdraw(ifindex, Reason.NOT_PERMITTED), *steps] if joined.permitted else steps


def _in_step(seen: PairObservation, joined: Joined) -> list[Action]:
    """Return what keeps the VF in step with the synthetic NIC."""
    ifindex, synthetic, vf, followed = seen.synthetic.ifindex, seen.synthetic, joined.vf, joined.followed
    if synthetic.mac != followed.mac:
        return _guarded(joined, ifindex, [FollowMac(ifindex, synthetic.mac, otherwise=followed.mac)])
    if vf.mac != followed.mac:
        return [Leave(ifindex, Reason.NO_VF)]
    if synthetic.mtu != followed.mtu:
        return _guarded(joined, ifindex, [FollowMtu(ifindex, synthetic.mtu, otherwise=followed.mtu)])
    if vf.mtu != followed.mtu and joined.denied is not Reason.MTU_REFUSED:
        return _guarded(joined, ifindex, [RepairMtu(ifindex, followed.mtu)])
    if synthetic.up != followed.up:
        return [FollowUp(ifindex, synthetic.up)]
    promisc, allmulti = synthetic.promiscuity > 0, synthetic.allmulti > 0
    if (promisc, allmulti) != (followed.promisc, followed.allmulti):
        return [FollowFlags(ifindex, promisc, allmulti)]
    return []


def _permission(seen: PairObservation, joined: Joined, wanted: Wanted) -> list[Action]:
    ifindex = seen.synthetic.ifindex
    if joined.denied is Reason.MTU_REFUSED:
        return [Withdraw(ifindex, Reason.MTU_REFUSED)] if joined.permitted else []
    if wanted.damped:
        known = not joined.permitted and joined.withheld is Reason.DAMPED
        return [] if known else [Withdraw(ifindex, Reason.DAMPED)]
    if not joined.permitted or joined.settle_ms != wanted.settle_ms:
        return [Permit(ifindex, wanted.settle_ms)]
    return []
