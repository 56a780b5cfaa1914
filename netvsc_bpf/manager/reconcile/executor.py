# SPDX-License-Identifier: GPL-2.0-only
"""Executing one planned step. It succeeds, or is undone and raises."""

from dataclasses import dataclass

from netvsc_bpf.datapath import follow_settings, home_hook, order, vf_settings
from netvsc_bpf.datapath.describe_nic import describe
from netvsc_bpf.datapath.detach_pair import detach_one
from netvsc_bpf.datapath.join import join, leave, permit, rx_for
from netvsc_bpf.datapath.options import AttachOptions, guard_mode
from netvsc_bpf.datapath.pairs import ensure_guard, ensure_pair, ensure_steer
from netvsc_bpf.datapath.rollback import Undo
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.abi import ControlCommand, Found
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.hooks.tc import TcHook
from netvsc_bpf.kernel.net.link_settings import changing, is_present
from netvsc_bpf.model.errors import KernelError
from netvsc_bpf.model.nic import Nic, Pair
from netvsc_bpf.model.path import Reason
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.observation import PairObservation


@dataclass(frozen=True, slots=True)
class Executor:
    """Executes steps within one session, under the writer lock."""

    session: Session
    loaded: LoadedObject
    options: AttachOptions

    def run(self, action: act.Action) -> str | None:
        """Execute one step; return what the VF refused, in words, if the step succeeded without it.

        Raises Refused, CannotHere, KernelError and their subclasses only, so that a failed step of one pair
        does not prevent those of others.
        """
        with changing(f"cannot finish {type(action).__name__} of interface {action.ifindex}"):
            return self._run(action)

    def _run(self, action: act.Action) -> str | None:
        if isinstance(action, act.Release):
            detach_one(self.session, self.loaded, action.ifindex)
            return None
        synthetic = self.session.nic(action.ifindex)
        if synthetic is None:
            raise KernelError(f"cannot change interface {action.ifindex}", "the interface vanished")
        match action:
            case act.Attach():
                self._attach(synthetic)
            case act.Describe():
                describe(self.session, self.loaded, synthetic, self._slot(action))
            case act.PutLast():
                order.put_last(self.session, self.loaded, synthetic, self._slot(action))
            case act.Join(vf=vf, down=down):
                return self._join(synthetic, vf, down)
            case act.ReplaceInterim():
                pair = Pair(synthetic, self._vf(action))
                home_hook.attach(self.session, self.loaded, self._hook(), pair, self._slot(action))
            case act.Leave(reason=reason):
                leave(self.session, self.loaded, self._hook(), synthetic, self._slot(action), reason)
            case act.Permit(settle_ms=settle_ms):
                permit(self.loaded, self._slot(action), settle_ms, self._vf(action))
            case act.SetReturn(policy=policy):
                self.loaded.control(ControlCommand.RETURN, self._slot(action), abi.Returns[policy.name])
            case act.Withdraw(reason=reason):
                number = abi.REASONS.index(reason)
                self.loaded.control(ControlCommand.WITHDRAW, self._slot(action), number)
            case _:
                return self._follow(action, synthetic)
        return None

    def _attach(self, synthetic: Nic) -> None:
        mode = guard_mode(self.options, synthetic)
        with Undo() as undo:
            slot = ensure_pair(self.session, self.loaded, synthetic, undo, mode)
            ensure_steer(self.session, self.loaded, self._hook(), synthetic, slot, undo)
            ensure_guard(self.session, self.loaded, synthetic, slot, mode, undo)
            undo.pop_all()

    def _join(self, synthetic: Nic, vf: Nic, down: Reason | None) -> str | None:
        slot = self._slot(act.Action(synthetic.ifindex))
        with Undo() as undo:
            rx = rx_for(self.session, self.options, synthetic, vf)
            pair = Pair(synthetic, vf)
            denied = join(
                *(self.session, self.loaded, self._hook(), pair, slot, rx, undo),
                by_manager=True,
                down=down,
                all_multicast=self.options.all_multicast,
            )
            undo.pop_all()
        return None if denied is None else f"{vf.name} refuses MTU {synthetic.mtu}: it is not used"

    def _follow(self, action: act.Action, synthetic: Nic) -> str | None:
        slot, vf = self._slot(action), self._vf(action)
        found = self.loaded.found(slot)
        try:
            return self._follow_one(action, synthetic, vf, slot, found)
        finally:
            # Also after a partial failure: record what did succeed.
            self.loaded.set_found(slot, found)

    def _follow_one(self, action: act.Action, synthetic: Nic, vf: Nic, slot: int, found: Found) -> str | None:
        rtnl, note = self.session.rtnl, lambda: self.loaded.set_found(slot, found)
        match action:
            case act.FollowUp(up=up, because=because):
                vf_settings.follow_up(rtnl, found, vf, up, because, note)
            case act.FollowMtu(mtu=mtu, otherwise=otherwise):
                back = None if found.denied else otherwise
                taken = follow_settings.follow_mtu(rtnl, found, synthetic, vf, mtu, back)
                found.denied = 0 if taken else found.denied
                if not taken:
                    return f"{vf.name} refuses MTU {mtu}" + _back(synthetic, back)
            case act.RepairMtu(mtu=mtu):
                taken = follow_settings.follow_mtu(rtnl, found, synthetic, vf, mtu, None)
                found.denied = 0 if taken else abi.REASONS.index(Reason.MTU_REFUSED)
                if not taken:
                    return f"{vf.name} refuses MTU {mtu}: it is not used"
            case act.FollowMac(mac=mac, otherwise=otherwise):
                if not follow_settings.follow_mac(rtnl, found, synthetic, vf, mac, otherwise):
                    return f"{vf.name} refuses MAC {mac}" + _back(synthetic, otherwise)
            case act.FollowFlags(promisc=promisc, allmulti=allmulti):
                follow_settings.follow_flags(rtnl, found, vf, promisc, allmulti, note)
            case _:
                raise NotImplementedError(action)
        return None

    def _hook(self) -> TcHook:
        return self.session.hook(self.loaded)

    def _slot(self, action: act.Action) -> int:
        slot = find_pair_slot(self.loaded, action.ifindex)
        if slot is None:
            raise KernelError(f"cannot change interface {action.ifindex}", "it was detached meanwhile")
        return slot

    def _vf(self, action: act.Action) -> Nic:
        vf = self.session.nic(self.loaded.vf_ifindex(self._slot(action)))
        if vf is None:
            raise KernelError(f"cannot change the VF of interface {action.ifindex}", "it vanished")
        return vf


def _back(synthetic: Nic, otherwise: object) -> str:
    return ": it is not used" if otherwise is None else f": {synthetic.name} has {otherwise} again"


def is_gone(pair: PairObservation, step: act.Action) -> bool:
    """Return whether a NIC of a step is gone, or in another network namespace."""
    nics = [step.ifindex]
    if isinstance(step, act.Join):
        nics.append(step.vf.ifindex)
    elif pair.joined is not None:
        nics.append(pair.joined.vf.ifindex)
    return not all(map(is_present, nics))
