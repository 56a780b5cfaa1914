# SPDX-License-Identifier: GPL-2.0-only
"""For each kind of step that the manager can take: how a pair at rest comes to need one, and how it ends."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from netvsc_bpf import datapath
from netvsc_bpf.kernel.bpf.abi import REASONS, ControlCommand
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.reconcile.current_step import FollowLists
from netvsc_bpf.model.path import Reason
from netvsc_bpf.planner import actions as act
from tests.kernel.support.attachment import Attachment
from tests.kernel.support.manager import ip

OTHER_MAC = "00:15:5d:0a:0b:0c"
GROUP = "01:00:5e:01:02:03"
_WIRE_EMPTY_S = 0.02


def nothing(lab: Lab) -> None:
    """Nothing has to be done."""


def detached(lab: Lab) -> None:
    lab.in_guest(datapath.detach, "eth0")


def replugged(lab: Lab) -> None:
    """Plug another VF in. The old one goes down first, and is gone when its wire is empty.

    A veth that is deleted takes along what its peer's processor has not looked at yet (flush_backlog(),
    net/core/dev.c): no fault of a step.
    """
    lab.vf_down()
    time.sleep(_WIRE_EMPTY_S)
    lab.unplug_vf()
    lab.plug_vf()


def permission_gone(lab: Lab) -> None:
    Attachment(lab, "eth0").control(ControlCommand.WITHDRAW, REASONS.index(Reason.NOT_PERMITTED))


def changed(*args: str) -> Callable[[Lab], None]:
    return lambda lab: ip(lab, "link", "set", *args)


def vf_mac_back(lab: Lab) -> None:
    ip(lab, "link", "set", "vf0", "address", lab.plan.pair(0).mac)


def own_mac_back(lab: Lab) -> None:
    ip(lab, "link", "set", "eth0", "address", lab.plan.pair(0).mac)


@dataclass(frozen=True)
class Scene:
    """One kind of step."""

    step: type[act.Action]
    provoke: Callable[[Lab], None]
    """Makes the step necessary."""
    prepare: Callable[[Lab], None] = nothing
    """Comes before, and is reconciled."""
    mend: Callable[[Lab], None] = nothing
    """Makes the pair as it was at first, but for what the manager does about it."""
    carries: bool = True
    """The pair can carry traffic all the time; otherwise it is another pair that has to."""
    used: bool = False
    """The step comes once the VF is used, so in the turn after that."""
    nth: int = field(default=1)
    """Of a manager that starts with nothing attached, the step of this kind that is meant."""

    @property
    def kind(self) -> str:
        return self.step.__name__


def group_joined(lab: Lab) -> None:
    ip(lab, "maddr", "add", GROUP, "dev", "eth0")
    ip(lab, "link", "set", "eth0", "alias", "wakes the manager: the kernel does not report the other")


FOLLOW_LISTS = Scene(FollowLists, group_joined)

SCENES = (
    Scene(act.Attach, detached),
    Scene(act.Join, replugged, nth=2),
    Scene(act.ReplaceInterim, replugged, nth=2, used=True),
    Scene(act.Leave, changed("vf0", "address", OTHER_MAC), mend=vf_mac_back),
    Scene(act.Permit, permission_gone, nth=2),
    Scene(act.Withdraw, changed("vf0", "mtu", "1300")),
    Scene(act.FollowUp, changed("eth0", "up"), prepare=changed("eth0", "down"), carries=False, nth=2),
    Scene(act.FollowMtu, changed("eth0", "mtu", "1400"), mend=changed("eth0", "mtu", "1500")),
    Scene(act.RepairMtu, changed("vf0", "mtu", "1300")),
    Scene(act.FollowMac, changed("eth0", "address", OTHER_MAC), mend=own_mac_back),
    Scene(act.FollowFlags, changed("eth0", "promisc", "on"), mend=changed("eth0", "promisc", "off")),
)
"""All but Release, which leaves no pair to go on with."""
