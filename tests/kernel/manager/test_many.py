# SPDX-License-Identifier: GPL-2.0-only
"""More than one pair, and the liveness level at which the manager arms."""

from collections.abc import Callable

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Liveness, Path, Reason
from tests.kernel.support.manager import Manager
from tests.kernel.support.waiting import eventually

LabFactory = Callable[..., Lab]
Start = Callable[..., Manager]


def test_s61_fifteen_pairs_are_all_paired(lab_factory: LabFactory, start: Start) -> None:
    lab = lab_factory(LabPlan(pairs=15, fabric=Fabric.NONE))
    names = [f"eth{number}" for number in range(15)]
    manager = start(lab, *names)

    def armed() -> list[str]:
        return [one.synthetic.name for one in manager.statuses() if one.path is Path.VF]

    eventually("15 armed", lambda: armed() == names)
    lab.unplug_vf(7)
    eventually("14 armed", lambda: armed() == names[:7] + names[8:])
    lab.plug_vf(7, up=False)
    eventually("15 armed again", lambda: armed() == names)


def test_on_the_rung_netlink_the_manager_arms_and_disarms(lab: Lab, start: Start) -> None:
    options = AttachOptions(any_bus=True, settle_ms=20, liveness=Liveness.NETLINK)
    assert lab.in_guest(datapath.attach, "eth0", options).status.path is Path.VF
    manager = start(lab)
    for fail, mend, reason in (
        (lab.vf_down, lab.vf_up, Reason.VF_DOWN),
        (lambda: lab.vf_carrier(False), lambda: lab.vf_carrier(True), Reason.NO_CARRIER),
    ):
        fail()
        manager.wait_path(Path.SYNTHETIC, reason)
        manager.wait_event("switched", str(reason))
        mend()
        manager.wait_vf()
    lab.unplug_vf()
    manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
    lab.plug_vf(up=False)
    manager.wait_vf()
