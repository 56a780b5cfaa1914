# SPDX-License-Identifier: GPL-2.0-only
"""The steps that plan() would take until there are none, if every one of them succeeds. Pure.

plan() returns only the steps that do not depend on the outcome of earlier ones, and the manager observes
again after them. Here the observation is computed: for showing beforehand what will be done.
"""

from dataclasses import dataclass, replace

from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Path, Reason
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.observation import Followed, Joined, PairObservation
from netvsc_bpf.planner.plan import Wanted, plan, why_unfit

_ROUNDS = 10
"""As in the manager: plans are short chains."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What will be done for one pair, and what comes of it."""

    steps: tuple[tuple[PairObservation, act.Action], ...]
    """Each step, with the state before it."""
    after: PairObservation
    path: Path
    """The path once the VF has settled."""
    reason: Reason


def forecast(seen: PairObservation, wanted: Wanted) -> Forecast:
    """Return the steps for a pair from its present state."""
    steps: list[tuple[PairObservation, act.Action]] = []
    for _ in range(_ROUNDS):
        planned = plan(seen, wanted)
        if not planned:
            break
        for step in planned:
            steps.append((seen, step))
            seen = after(seen, step, wanted)
    reason = _reason(seen, wanted)
    path = Path.VF if reason is Reason.ARMED else Path.SYNTHETIC
    return Forecast(tuple(steps), seen, path, reason)


def after(seen: PairObservation, step: act.Action, wanted: Wanted) -> PairObservation:
    """Return the state of a pair after a step that succeeded."""
    match step:
        case act.Attach():
            return replace(seen, steer=True, guard=True, guard_lost=False, attached=True, described=True)
        case act.Describe():
            return replace(seen, described=True)
        case act.PutLast():
            return replace(seen, passed_by=())
        case act.Leave():
            return replace(seen, joined=None, left_behind=False)
        case act.Join(vf=vf, down=down):
            return replace(seen, joined=_joined(seen, vf, down, wanted), left_behind=False)
    joined = seen.joined
    return seen if joined is None else replace(seen, joined=_changed(joined, step))


def _joined(seen: PairObservation, vf: Nic, down: Reason | None, wanted: Wanted) -> Joined:
    synthetic, before = seen.synthetic, seen.joined
    again = before is not None and before.vf.ifindex == vf.ifindex
    # A VF that joined before and was taken down externally since stays down (datapath/join.py).
    stays_down = (
        again and before is not None and bool(before.followed.mtu) and before.followed.up and not vf.up
    )
    up = synthetic.up and down is None and not stays_down
    earlier = before.followed if again and before is not None else Followed(False, 0, "")
    promisc = earlier.promisc or synthetic.promiscuity > 0
    allmulti = earlier.allmulti or synthetic.allmulti > 0 or wanted.all_multicast
    given = replace(_with_link(vf, up), mtu=synthetic.mtu, mac=synthetic.mac)
    followed = Followed(up or stays_down, synthetic.mtu, synthetic.mac, promisc, allmulti)
    return Joined(
        replace(given, promiscuity=int(promisc), allmulti=int(allmulti)),
        home=True,
        followed=followed,
        permitted=again and before is not None and before.permitted,
        armed=again and before is not None and before.armed,
        settle_ms=before.settle_ms if again and before is not None else 0,
        withheld=before.withheld if again and before is not None else Reason.NO_VF,
        bypassed_xdp=None if seen.guard or vf.xdp_prog_id is not None else synthetic.xdp_prog_id,
    )


def _changed(joined: Joined, step: act.Action) -> Joined:
    vf, followed = joined.vf, joined.followed
    match step:
        case act.Permit(settle_ms=settle_ms):
            return replace(joined, permitted=True, settle_ms=settle_ms, withheld=None)
        case act.Withdraw(reason=reason):
            return replace(joined, permitted=False, armed=False, withheld=reason)
        case act.ReplaceInterim():
            return replace(joined, interim=False)
        case act.FollowUp(up=up):
            return replace(joined, vf=_with_link(vf, up), followed=replace(followed, up=up))
        case act.FollowMtu(mtu=mtu):
            return replace(joined, vf=replace(vf, mtu=mtu), followed=replace(followed, mtu=mtu), denied=None)
        case act.RepairMtu(mtu=mtu):
            return replace(joined, vf=replace(vf, mtu=mtu), denied=None)
        case act.FollowMac(mac=mac):
            return replace(joined, vf=replace(vf, mac=mac), followed=replace(followed, mac=mac))
        case act.FollowFlags(promisc=promisc, allmulti=allmulti):
            flagged = replace(vf, promiscuity=int(promisc), allmulti=int(allmulti))
            return replace(joined, vf=flagged, followed=replace(followed, promisc=promisc, allmulti=allmulti))
        case _:
            raise NotImplementedError(step)


def _with_link(vf: Nic, up: bool) -> Nic:
    """Return a VF up or down. One that is down shows no carrier: it is assumed to get it."""
    return replace(vf, up=up, carrier=up and (vf.carrier or not vf.up))


def _reason(seen: PairObservation, wanted: Wanted) -> Reason:
    joined = seen.joined
    if joined is None:
        return Reason.NO_VF
    why = why_unfit(seen, joined, wanted)
    if why is not None:
        return why
    if not joined.vf.up:
        return Reason.VF_DOWN
    if not joined.permitted:
        return Reason.NOT_PERMITTED
    return Reason.ARMED if joined.vf.carrier else Reason.NO_CARRIER
