# SPDX-License-Identifier: GPL-2.0-only
"""A synthetic NIC is moved to another network namespace, and its VF and its manager follow."""

from collections.abc import Callable

from netvsc_bpf import datapath
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.commands import refused, run_in
from tests.kernel.support.frames import Tap
from tests.kernel.support.manager import Manager, ip, nic
from tests.kernel.support.members import REPORTED, members
from tests.kernel.support.moves import failures, flows, found, start_followed, unused
from tests.kernel.support.pod import Pod
from tests.kernel.support.reports import reports
from tests.kernel.support.waiting import eventually

Start = Callable[..., Manager]
MakePod = Callable[[], Pod]


def test_s55_vf_follows_its_synthetic_nic_and_is_steered_there(lab: Lab, pod: Pod, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    pod.take()
    manager.wait_event("moved", f"to {pod.name}")
    manager.wait_event("moved", f"vf0 follows it to {pod.name}")
    pod.wait_path(Path.VF)
    vf = pod.nic("vf0")
    assert vf is not None and vf.up, "hv_netvsc leaves it down"
    assert manager.statuses() == [] and nic(lab, "vf0") is None
    flows(pod.sending())
    flows(pod.receiving())
    (status,) = pod.statuses()
    assert status.tx.vf.packets > 200 and status.rx.vf.packets > 200
    assert not manager.events_of("awaited") and not failures(manager)
    # What it does for a pair it does there, too.
    pod.ip("link", "set", "eth0", "mtu", "1400")
    assert manager.wait_event("followed", "vf0 has MTU 1400")["netns"] == pod.name
    lab.vf_carrier(False)
    pod.wait_path(Path.SYNTHETIC, Reason.NO_CARRIER)
    flows(pod.sending())
    lab.vf_carrier(True)
    pod.wait_path(Path.VF)


def test_s55_both_are_as_found_when_the_synthetic_nic_returns(lab: Lab, pod: Pod, start: Start) -> None:
    ip(lab, "link", "set", "vf0", "mtu", "1450")
    before = found(lab)
    manager = start(lab)
    manager.wait_vf()
    pod.take(name="moved")
    pod.wait_path(Path.VF)
    lab.run(pod.name, ["ip", "link", "set", "moved", "netns", lab.guest, "name", "eth0"])
    ip(lab, "link", "set", "eth0", "up")
    manager.wait_vf()
    assert nic(lab, "vf0") is not None
    eventually("nothing left there", lambda: not pod.pins.home.exists())
    manager.stop()
    lab.in_guest(datapath.detach_all)
    assert found(lab) == before


def test_s55_detach_there_puts_the_vf_back_where_it_was_found(lab: Lab, pod: Pod, start: Start) -> None:
    before = found(lab)
    manager = start_followed(lab, pod, start)
    refused(
        run_in(pod.name, "detach", "eth0"), 3, f"process {manager.process.pid} manages this network namespace"
    )
    refused(
        run_in(pod.name, "run", "eth0"), 3, f"process {manager.process.pid} manages a NIC that moved into it"
    )
    manager.stop()
    assert pod.where == (Path.VF, Reason.ARMED)
    ended = run_in(pod.name, "detach", "eth0")
    assert ended.returncode == 0, ended.stderr
    assert found(lab) == before and unused(lab, pod)
    flows(pod.sending())


def test_s55_vf_follows_from_one_namespace_to_the_next(lab: Lab, make_pod: MakePod, start: Start) -> None:
    first, second = make_pod(), make_pod()
    manager = start(lab)
    manager.wait_vf()
    first.take(name="first0")
    first.wait_path(Path.VF)
    second.take("first0", "second0", source=first.name)
    second.wait_path(Path.VF)
    assert second.nic("vf0") is not None
    flows(second.sending())
    eventually("nothing left there", lambda: not first.pins.home.exists())
    assert not failures(manager)


def test_s55_name_that_is_taken_there_is_given_back_at_home(lab: Lab, pod: Pod, start: Start) -> None:
    before = found(lab)
    pod.ip("link", "add", "vf0", "type", "bridge")
    manager = start(lab)
    manager.wait_vf()
    pod.take()
    manager.wait_event("moved", "as vf0_0")
    pod.wait_path(Path.VF)
    manager.stop()
    pod.inside(datapath.detach_all)
    assert found(lab) == before


def test_s81_members_report_there_by_the_path_in_use(lab: Lab, pod: Pod, start: Start) -> None:
    manager = start_followed(lab, pod, start)
    with members(pod.name, "eth0"), Tap(lab.fabric, "syn0") as synthetic:
        lab.vf_carrier(False)
        pod.wait_path(Path.SYNTHETIC)
        eventually("the members have reported", lambda: reports(synthetic.seen()) >= REPORTED)
    assert not failures(manager)
