# SPDX-License-Identifier: GPL-2.0-only
"""One synthetic NIC and its VFs as the kernel and the executor would have them, without either.

It keeps what the kernel keeps: a device that goes takes its home and its DEVMAP entry along. Steps do what
the manager's executor promises: they hold afterwards, or nothing happened and StepFailed is raised.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from netvsc_bpf.datapath.options import AttachOptions
from netvsc_bpf.discovery.known import KnownPairs
from netvsc_bpf.discovery.xdp_reach import bypassed_xdp_program
from netvsc_bpf.manager.state.vf_selection import choose
from netvsc_bpf.model.drain import Drain
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Liveness, Reason, ReturnPolicy
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.observation import Followed, Joined, PairObservation

MAC = "00:15:5d:01:02:03"
OTHER_MACS = ("00:15:5d:0a:0a:0a", "00:15:5d:0b:0b:0b")
SYNTHETIC = 2


_ETH0 = Nic(SYNTHETIC, "eth0", MAC, 1500, True, True, driver="hv_netvsc", bus="vmbus")
_NOTHING_YET = Followed(False, 0, "")


class StepFailed(Exception):
    """The kernel would not, or the device vanished."""


@dataclass
class World:
    """What there is. Tests change it freely; steps change it by `execute`."""

    synthetic: Nic = _ETH0
    vfs: dict[int, Nic] = field(default_factory=dict)
    mtu_limit: dict[int, int] = field(default_factory=dict)
    stubborn: set[int] = field(default_factory=set)
    """VFs that refuse another MAC."""
    steer: bool = False
    guard: bool = False
    late: tuple[int, ...] = ()
    """Programs that were attached after steer."""
    home: int | None = None
    had_home: int | None = None
    """The VF that got home when it joined, whether or not home was removed since."""
    interim: bool = False
    devmap: int | None = None
    found_vf: int = 0
    found_mac: str = ""
    followed: Followed = _NOTHING_YET
    denied: Reason | None = None
    permitted: bool = False
    armed: bool = False
    reason: Reason = Reason.NO_VF
    settle_ms: int = 0
    drained: Drain | None = None
    returns: ReturnPolicy = ReturnPolicy.AUTO
    pending: bool = False
    plugged: int = 10

    def plug(self, *, mtu: int = 1500, limit: int = 9000, stubborn: bool = False, up: bool = False) -> int:
        self.plugged += 1
        name, address = f"enP{self.plugged}", f"{self.plugged:04x}:00:02.0"
        self.vfs[self.plugged] = Nic(
            self.plugged, name, MAC, min(mtu, limit), up, True, driver="mlx5_core", bus="pci", parent=address
        )
        self.mtu_limit[self.plugged] = limit
        if stubborn:
            self.stubborn.add(self.plugged)
        return self.plugged

    def unplug(self, ifindex: int) -> None:
        del self.vfs[ifindex]
        if self.home == ifindex:
            self.home, self.interim = None, False
        if self.devmap == ifindex:
            self.devmap, self.armed = None, False

    def change_vf(self, ifindex: int, **changes: object) -> None:
        self.vfs[ifindex] = replace(self.vfs[ifindex], **changes)  # type: ignore[arg-type]

    def change_synthetic(self, **changes: object) -> None:
        self.synthetic = replace(self.synthetic, **changes)  # type: ignore[arg-type]

    def drain(self, *, take_down: bool) -> None:
        """As the command does it: the permission goes, then the VF goes down, unless a manager does that."""
        self.drained = Drain(1)
        self.permitted, self.armed, self.reason = False, False, Reason.DRAINED
        if take_down and self.devmap is not None and self.vfs[self.devmap].up and self.synthetic.up:
            self.change_vf(self.devmap, up=False)
            self.followed = replace(self.followed, up=False)

    def undrain(self) -> None:
        self.drained, self.pending = None, False

    def fail(self) -> None:
        """The kernel leaves the VF because it failed; with the policy `manual` for good."""
        self.armed, self.reason = False, Reason.NO_CARRIER
        self.pending = self.pending or self.returns is ReturnPolicy.MANUAL

    def fits(self) -> bool:
        """The first invariant: what must be true of a VF that is permitted."""
        vf = None if self.devmap is None else self.vfs[self.devmap]
        return (
            vf is not None
            and self.home == vf.ifindex
            and (vf.mac, vf.mtu) == (self.synthetic.mac, self.synthetic.mtu)
            and vf.master is None
            and self.synthetic.up
        )

    def suitable(self) -> list[Nic]:
        """Who could be the VF."""
        return [vf for vf in self.vfs.values() if vf.mac == self.synthetic.mac and vf.master is None]

    def observe(self) -> PairObservation:
        seen = PairObservation(
            self.synthetic,
            steer=self.steer,
            guard=self.guard,
            passed_by=self.late,
            liveness=Liveness.LIVE,
            joined=self._joined(),
            left_behind=self.devmap is None and self.found_vf != 0,
            drained=self.drained,
            returns=self.returns,
            pending=self.pending,
        )
        return choose([self.synthetic, *self.vfs.values()], seen, AttachOptions(), KnownPairs()).pair

    def _joined(self) -> Joined | None:
        if self.devmap is None:
            return None
        return Joined(
            self.vfs[self.devmap],
            home=self.home == self.devmap,
            followed=self.followed,
            permitted=self.permitted,
            armed=self.armed,
            settle_ms=self.settle_ms,
            denied=self.denied,
            withheld=None if self.permitted else self.reason,
            bypassed_xdp=bypassed_xdp_program(self.synthetic, self.vfs[self.devmap], guarded=False),
            interim=self.interim,
        )

    def execute(self, steps: Iterable[act.Action]) -> None:
        for step in steps:
            self.execute_one(step)

    def execute_one(self, step: act.Action) -> None:
        match step:
            case act.Attach():
                self.steer = self.guard = True
            case act.PutLast():
                self.late = ()
            case act.SetReturn(policy=policy):
                self.returns, self.pending = policy, False
            case act.Join(vf=vf, down=down):
                self._join(vf.ifindex, down)
            case act.ReplaceInterim():
                assert self.had_home == self._vf().ifindex, "it would attach home to a VF that never had it"
                # Acting on an old observation restores what was removed since.
                self.home, self.interim = self.had_home, False
            case act.Leave(reason=reason):
                self._leave(reason)
            case act.Permit(settle_ms=settle_ms):
                self._vf()
                if self.drained is not None:
                    raise StepFailed("an operator drained the pair")
                if self.pending:
                    raise StepFailed("an operator has to allow its return")
                self.permitted, self.settle_ms = True, settle_ms
            case act.Withdraw(reason=reason):
                self.permitted, self.armed, self.reason = False, False, reason
            case act.FollowUp(up=up):
                self.change_vf(self._vf().ifindex, up=up)
                self.followed = replace(self.followed, up=up)
            case act.FollowMtu(mtu=mtu, otherwise=otherwise):
                self._follow_mtu(mtu, otherwise)
            case act.RepairMtu(mtu=mtu):
                self.denied = None if self._take_mtu(mtu) else Reason.MTU_REFUSED
            case act.FollowMac(mac=mac, otherwise=otherwise):
                self._follow_mac(mac, otherwise)
            case act.FollowFlags(promisc=promisc, allmulti=allmulti):
                self.change_vf(self._vf().ifindex, promiscuity=int(promisc), allmulti=int(allmulti))
                self.followed = replace(self.followed, promisc=promisc, allmulti=allmulti)
            case _:
                raise NotImplementedError(step)

    def _vf(self) -> Nic:
        if self.devmap is None:
            raise StepFailed("the VF vanished")
        return self.vfs[self.devmap]

    def _join(self, ifindex: int, down: Reason | None) -> None:
        if ifindex not in self.vfs or not self.steer:
            raise StepFailed("the VF vanished")
        new = self.devmap != ifindex
        stays_down = not new and not self.vfs[ifindex].up and self.followed.up  # somebody took it down
        if new:
            self._leave(Reason.NO_VF)
            self.devmap = self.found_vf = ifindex
            self.found_mac, self.followed = self.vfs[ifindex].mac, _NOTHING_YET
        taken = self._take_mtu(self.synthetic.mtu)
        self.denied = None if taken else Reason.MTU_REFUSED
        nic, up = self.synthetic, self.synthetic.up and down is None
        self.followed = replace(self.followed, up=stays_down or up, mtu=nic.mtu, mac=nic.mac)
        if taken:
            self.home, self.interim = ifindex, new
            self.had_home = ifindex
            self.change_vf(ifindex, up=up and not stays_down)
        else:
            self.permitted, self.reason = False, Reason.MTU_REFUSED

    def join_half_way(self, ifindex: int) -> None:
        """As a join that was killed once the VF was named leaves it."""
        self.devmap = self.found_vf = ifindex
        self.found_mac, self.followed = self.vfs[ifindex].mac, _NOTHING_YET

    def _leave(self, reason: Reason) -> None:
        self.permitted, self.armed, self.reason = False, False, reason
        if self.devmap is not None and self.vfs[self.devmap].mac == self.followed.mac:
            self.change_vf(self.devmap, mac=self.found_mac)
        self.home, self.devmap, self.found_vf, self.denied = None, None, 0, None
        self.had_home = None
        self.interim = False

    def _take_mtu(self, mtu: int) -> bool:
        vf = self._vf()
        taken = mtu <= self.mtu_limit[vf.ifindex]
        if taken:
            self.change_vf(vf.ifindex, mtu=mtu)
        return taken

    def _follow_mtu(self, mtu: int, otherwise: int) -> None:
        taken = self._take_mtu(mtu)
        if not taken and self.denied is None:
            assert otherwise > 0, "there is nothing to go back to"
            self.change_synthetic(mtu=otherwise)
            mtu = otherwise
        self.followed = replace(self.followed, mtu=mtu)
        self.denied = None if taken else self.denied

    def _follow_mac(self, mac: str, otherwise: str) -> None:
        vf = self._vf()
        if vf.ifindex in self.stubborn and vf.mac != mac:
            self.change_synthetic(mac=otherwise)
            mac = otherwise
        else:
            self.change_vf(vf.ifindex, mac=mac)
        self.followed = replace(self.followed, mac=mac)
