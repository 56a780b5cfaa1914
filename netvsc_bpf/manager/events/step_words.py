# SPDX-License-Identifier: GPL-2.0-only
"""Kind and text of the event that reports a step. Pure."""

from netvsc_bpf.manager.events.kinds import Kind
from netvsc_bpf.manager.state.missing_hooks import lost_hooks
from netvsc_bpf.model.path import Reason
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.observation import PairObservation


def step_words(
    pair: PairObservation | None, step: act.Action, *, attached: bool, last_vf: str | None = None
) -> tuple[Kind, str]:
    """Return the kind of the event for a step, and its text.

    `pair` is its state before the step; `attached`: it was attached before, so missing programs were removed
    externally. `last_vf` is the name of the VF that joined last, which may be gone.
    """
    vf = (last_vf or "VF") if pair is None or pair.joined is None else pair.joined.vf.name
    match step:
        case act.Attach() if attached and (lost := lost_hooks(pair, step)):
            return Kind.REPAIRED, f"{' and '.join(lost)} attached again"
        case act.Attach() if attached:
            return Kind.ATTACHED, "guard changed to the configured mode"
        case act.Attach():
            return Kind.ATTACHED, "steer and guard"
        case act.PutLast():
            late = "" if pair is None else ", ".join(map(str, pair.passed_by))
            return Kind.REPAIRED, f"steer moved behind tcx program {late}, which was attached after it"
        case act.Join() if lost_hooks(pair, step):
            return Kind.REPAIRED, f"home attached again on {vf}"
        case act.Join(vf=joined):
            return Kind.JOINED, joined.name
        case act.Leave(reason=reason):
            return Kind.LEFT, f"{vf}: {reason}"
        case act.Withdraw(reason=Reason.DAMPED):
            return Kind.DAMPED, f"{vf} failed too often and is not used for a while"
        case act.Withdraw(reason=Reason.MANUAL):
            return Kind.WITHDRAWN, f"{vf} failed or was removed, and is not used before an operator allows it"
        case act.SetReturn(policy=policy):
            return Kind.FOLLOWED, f"return policy {policy}"
        case act.Withdraw(reason=Reason.NOT_PERMITTED):
            return Kind.WITHDRAWN, f"{vf} is not in sync with the synthetic NIC"
        case act.Withdraw(reason=reason):
            return Kind.WITHDRAWN, f"{vf}: {reason}"
        case act.Permit(settle_ms=settle_ms):
            return Kind.PERMITTED, f"{vf}, settle time {settle_ms} ms"
        case act.FollowUp(because=Reason() as because):
            return Kind.FOLLOWED, f"{vf} was taken down: {because}"
        case act.FollowUp(up=up):
            return Kind.FOLLOWED, f"{vf} is {'up' if up else 'down'}"
        case act.FollowMtu(mtu=mtu):
            return Kind.FOLLOWED, f"{vf} has MTU {mtu}"
        case act.RepairMtu(mtu=mtu):
            return Kind.REPAIRED, f"{vf} has MTU {mtu} again"
        case act.FollowMac(mac=mac):
            return Kind.FOLLOWED, f"{vf} has MAC {mac}"
        case act.FollowFlags(promisc=promisc, allmulti=allmulti):
            on = [name for name, is_on in (("promisc", promisc), ("allmulti", allmulti)) if is_on]
            return Kind.FOLLOWED, f"{vf} has {' and '.join(on) or 'neither promisc nor allmulti'}"
        case act.Release():
            return Kind.RELEASED, "the interface is gone; its VF has its original settings again"
        case _:
            raise NotImplementedError(step)
