# SPDX-License-Identifier: GPL-2.0-only
"""Two pairs with one MAC: what bonding makes of its ports."""

from collections.abc import Callable

from netvsc_bpf import datapath
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path
from tests.kernel.support.manager import Manager, ip, nic
from tests.kernel.support.waiting import eventually

LabFactory = Callable[..., Lab]
Start = Callable[..., Manager]


def test_s86_each_of_two_pairs_with_one_mac_keeps_its_own_vf(lab_factory: LabFactory, start: Start) -> None:
    lab = lab_factory(LabPlan(pairs=2, fabric=Fabric.NONE))
    shared, own = lab.plan.pair(0).mac, lab.plan.pair(1).mac
    manager = start(lab, "eth0", "eth1")

    def in_use() -> dict[str, str | None]:
        armed = (one for one in manager.statuses() if one.path is Path.VF)
        return {one.synthetic.name: one.vf and one.vf.name for one in armed}

    def mac(name: str) -> str | None:
        found = nic(lab, name)
        return None if found is None else found.mac

    both: dict[str, str | None] = {"eth0": "vf0", "eth1": "vf1"}
    eventually("both have their VF", lambda: in_use() == both)
    ip(lab, "link", "set", "eth1", "down")
    ip(lab, "link", "set", "eth1", "address", shared)
    ip(lab, "link", "set", "eth1", "up")
    eventually("vf1 has followed", lambda: in_use() == both and mac("vf1") == shared)
    for number in (0, 1):
        lab.unplug_vf(number)
        eventually("the other stays", lambda gone=f"eth{number}": gone not in in_use() and len(in_use()) == 1)
        lab.plug_vf(number)
        eventually("it is its pair's again", lambda: in_use() == both)
    assert (mac("vf0"), mac("vf1")) == (shared, shared)
    assert manager.events_of("refused") == []
    assert manager.stop() == 0
    lab.in_guest(datapath.detach_all)
    assert mac("vf1") == own
