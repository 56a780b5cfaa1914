# SPDX-License-Identifier: GPL-2.0-only
"""NICs that come, go and change their names while the manager runs."""

from collections.abc import Callable

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.manager import Manager, ip, nic, tap
from tests.kernel.support.waiting import eventually

LabFactory = Callable[..., Lab]
Start = Callable[..., Manager]


def test_s01_hot_added_vf_is_joined_and_used_without_a_command(lab_factory: LabFactory, start: Start) -> None:
    lab = lab_factory(LabPlan(vf=False))
    # Longer than the switch may take to open its port to a new VF: what is lost there is not ours.
    manager = start(lab, "eth0", "--settle", "500")
    manager.wait_event("attached")
    with UdpStream(udp_plan(lab, Direction.TX, rate=2000)) as stream:
        lab.plug_vf(up=False)
        manager.wait_vf()
        sent = manager.status.tx.vf.packets
        eventually("traffic by the VF", lambda: manager.status.tx.vf.packets > sent + 200)
        assert stream.stop().lost == 0
    manager.wait_event("switched", "armed")
    # A slow machine may say in between that the compiler takes its time.
    reported = [event["event"] for event in manager.events if event["interface"] != "manager"]
    assert reported[:4] == ["attached", "joined", "permitted", "switched"]


def test_s02_vf_that_was_there_before_is_taken(lab: Lab, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    manager.wait_event("joined", "vf0")


def test_s02_what_attach_left_is_adopted_untouched(lab: Lab, start: Start) -> None:
    options = AttachOptions(any_bus=True, settle_ms=35)
    before = lab.in_guest(datapath.attach, "eth0", options).status
    assert before.path is Path.VF
    manager = start(lab)
    # Something that makes it act, so that we know that it has looked.
    ip(lab, "link", "set", "eth0", "mtu", "1400")
    manager.wait_event("followed", "1400")
    assert not manager.events_of("attached") and not manager.events_of("joined")
    manager.wait_event("permitted", "35 ms")  # the settle time that was chosen then


def test_s03_vf_that_is_there_before_the_synthetic_nic(lab_factory: LabFactory, start: Start) -> None:
    lab = lab_factory()
    ip(lab, "link", "del", "eth0")
    manager = start(lab)
    assert manager.wait_event("awaited")["interface"] == "eth0"
    tap(lab, "eth0")
    ip(lab, "link", "set", "eth0", "up")
    manager.wait_vf()


def test_s08_first_vf_removed_while_a_second_waits(lab: Lab, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    ip(lab, "link", "add", "vf1", "address", lab.plan.pair(0).mac, "type", "veth", "peer", "name", "far1")
    assert "vf1" in manager.wait_event("refused", "second VF")["text"]
    assert manager.status.vf is not None and manager.status.vf.name == "vf0"
    lab.unplug_vf()
    manager.wait_event("joined", "vf1")
    ip(lab, "link", "set", "far1", "up")
    manager.wait_vf()
    assert manager.status.vf is not None and manager.status.vf.name == "vf1"


def test_s09_renamed_vf_is_still_tracked(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0", "--settle", "20")
    manager.wait_vf()
    changes = manager.status.path_changes
    ip(lab, "link", "set", "vf0", "down")
    ip(lab, "link", "set", "vf0", "name", "enP31819s1")
    ip(lab, "link", "set", "enP31819s1", "up")
    manager.wait_vf()
    ip(lab, "link", "set", "eth0", "mtu", "1400")
    manager.wait_event("followed", "enP31819s1 has MTU 1400")
    assert not manager.events_of("left") and len(manager.events_of("joined")) == 1
    assert manager.status.path_changes >= changes


def test_renamed_synthetic_nic_stays_managed(lab: Lab, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    ip(lab, "link", "set", "eth0", "down")
    ip(lab, "link", "set", "eth0", "name", "lan0")
    ip(lab, "link", "set", "lan0", "up")
    ip(lab, "link", "set", "lan0", "mtu", "1400")
    manager.wait_event("followed", "vf0 has MTU 1400")
    assert manager.events_of("followed", "vf0 has MTU 1400")[-1]["interface"] == "lan0"
    manager.wait_vf()


def test_s26_synthetic_nic_removed_and_the_vf_is_as_it_was_found(lab: Lab, start: Start) -> None:
    ip(lab, "link", "set", "vf0", "mtu", "1450")
    before = nic(lab, "vf0")
    assert before is not None
    manager = start(lab)
    manager.wait_vf()
    assert (now := nic(lab, "vf0")) is not None and now.mtu == 1500
    ip(lab, "link", "del", "eth0")
    manager.wait_event("released")
    after = nic(lab, "vf0")
    assert after is not None
    for setting in ("mtu", "mac", "up", "promiscuity", "addr_gen_mode", "ipv6_disabled"):
        assert getattr(after, setting) == getattr(before, setting), setting
    assert manager.statuses() == []
    # And when it comes back they are a pair again.
    tap(lab, "eth0")
    ip(lab, "link", "set", "eth0", "up")
    manager.wait_vf()


def test_vf_put_into_a_bridge_is_removed_and_joined_again(lab: Lab, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    ip(lab, "link", "add", "br0", "type", "bridge")
    ip(lab, "link", "set", "vf0", "master", "br0")
    manager.wait_event("left", "vf0")
    assert manager.wait_event("refused", "br0")
    manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
    ip(lab, "link", "set", "vf0", "nomaster")
    manager.wait_vf()
