# SPDX-License-Identifier: GPL-2.0-only
"""A synthetic NIC is moved to another network namespace, and its VF and its manager follow."""

import random
import time
from collections.abc import Callable, Iterator

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.kernel import pins
from netvsc_bpf.lab import leftovers
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpPlan, UdpStream
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.commands import refused, run_in
from tests.kernel.support.manager import Manager, ip, nic, tap
from tests.kernel.support.pod import Pod, pods
from tests.kernel.support.waiting import eventually

Start = Callable[..., Manager]
MakePod = Callable[[], Pod]
AS_FOUND = ("name", "mac", "mtu", "up", "promiscuity", "addr_gen_mode", "ipv6_disabled")


@pytest.fixture
def make_pod(lab: Lab) -> Iterator[MakePod]:
    """Pods that outlive the managers of a test which asks for `start` after this."""
    with pods(lab) as make:
        yield make


@pytest.fixture
def pod(make_pod: MakePod) -> Pod:
    return make_pod()


def flows(plan: UdpPlan, packets: int = 200) -> None:
    with UdpStream(plan) as stream:
        before = stream.received
        eventually("traffic", lambda: stream.received > before + packets)


def found(lab: Lab, name: str = "vf0") -> list[object]:
    """What has to be as it was found."""
    vf = nic(lab, name)
    assert vf is not None
    return [getattr(vf, setting) for setting in AS_FOUND]


def failures(manager: Manager) -> list[str]:
    """What failed of a pair; a slow machine may tell of the manager that the compiler takes its time."""
    return [event["text"] for event in manager.told("failed") if event["interface"] != "manager"]


def unused(lab: Lab, pod: Pod) -> bool:
    """The VF is back home, and nothing is attached anywhere."""
    return nic(lab, "vf0") is not None and pod.statuses() == [] and not pod.pins.home.exists()


def test_s55_vf_follows_its_synthetic_nic_and_is_steered_there(lab: Lab, pod: Pod, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    pod.take()
    manager.wait_told("moved", f"to {pod.name}")
    manager.wait_told("moved", f"vf0 follows it to {pod.name}")
    pod.wait_path(Path.VF)
    vf = pod.nic("vf0")
    assert vf is not None and vf.up, "hv_netvsc leaves it down"
    assert manager.statuses() == [] and nic(lab, "vf0") is None
    flows(pod.sending())
    flows(pod.receiving())
    (status,) = pod.statuses()
    assert status.tx.vf.packets > 200 and status.rx.vf.packets > 200
    assert not manager.told("awaited") and not failures(manager)
    # What it does for a pair it does there, too.
    pod.ip("link", "set", "eth0", "mtu", "1400")
    assert manager.wait_told("followed", "vf0 has MTU 1400")["netns"] == pod.name
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
    pod.take(name="visitor")
    pod.wait_path(Path.VF)
    lab.run(pod.name, ["ip", "link", "set", "visitor", "netns", lab.guest, "name", "eth0"])
    ip(lab, "link", "set", "eth0", "up")
    manager.wait_vf()
    assert nic(lab, "vf0") is not None
    eventually("nothing left there", lambda: not pod.pins.home.exists())
    manager.stop()
    lab.in_guest(datapath.detach_all)
    assert found(lab) == before


def test_s55_detach_there_puts_the_vf_back_where_it_was_found(lab: Lab, pod: Pod, start: Start) -> None:
    before = found(lab)
    manager = start(lab)
    manager.wait_vf()
    pod.take()
    pod.wait_path(Path.VF)
    refused(run_in(pod.name, "detach", "eth0"), 3, f"process {manager.process.pid} manages it")
    refused(run_in(pod.name, "run", "eth0"), 3, f"process {manager.process.pid} followed a NIC into it")
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


def test_s55_killed_and_started_again_with_no_packet_lost(lab: Lab, pod: Pod, start: Start) -> None:
    first = start(lab)
    first.wait_vf()
    pod.take()
    pod.wait_path(Path.VF)
    with UdpStream(pod.sending()) as stream:
        changes = pod.statuses()[0].path_changes
        first.kill()
        sent = stream.sent
        eventually("traffic goes on", lambda: stream.sent > sent + 300)
        second = start(lab)
        pod.ip("link", "set", "eth0", "promisc", "on")
        second.wait_told("followed", "promisc")
        assert pod.statuses()[0].path_changes == changes
        assert not second.told("attached") and not second.told("joined") and not second.told("awaited")
        assert stream.stop().lost == 0
    second.stop()
    pod.ip("link", "set", "eth0", "promisc", "off")


def test_s55_moved_while_nobody_was_there(lab: Lab, pod: Pod, start: Start) -> None:
    first = start(lab)
    first.wait_vf()
    first.kill()
    pod.take()
    second = start(lab)
    second.wait_told("moved", "vf0 follows")
    pod.wait_path(Path.VF)
    flows(pod.sending())


@pytest.mark.timeout(600)
def test_s55_killed_at_any_moment_of_a_move(lab: Lab, pod: Pod, start: Start) -> None:
    dice = random.Random(55)
    before = found(lab)
    manager = start(lab, "eth0", "--settle", "10")
    manager.wait_vf()
    for number in range(6):
        there = number % 2 == 0
        if there:
            pod.take()
        else:
            lab.run(pod.name, ["ip", "link", "set", "eth0", "netns", lab.guest])
            ip(lab, "link", "set", "eth0", "up")
        time.sleep(dice.uniform(0, 0.4))  # at any moment of the move
        manager.kill()
        manager = start(lab, "eth0", "--settle", "10")
        if there:
            pod.wait_path(Path.VF)
        else:
            manager.wait_path(Path.VF)
        assert not failures(manager)
    eventually("nothing left there", lambda: not pod.pins.home.exists())
    manager.stop()
    lab.in_guest(datapath.detach_all)
    assert found(lab) == before


def test_s55_name_that_is_taken_there_is_given_back_at_home(lab: Lab, pod: Pod, start: Start) -> None:
    before = found(lab)
    pod.ip("link", "add", "vf0", "type", "bridge")
    manager = start(lab)
    manager.wait_vf()
    pod.take()
    manager.wait_told("moved", "as vf0_0")
    pod.wait_path(Path.VF)
    manager.stop()
    pod.inside(datapath.detach_all)
    assert found(lab) == before


def test_s55_move_that_is_refused_leaves_the_synthetic_path_and_is_tried_again(
    lab: Lab, pod: Pod, start: Start
) -> None:
    # An alternative name that is taken there refuses the move, and no other name for the NIC helps.
    ip(lab, "link", "property", "add", "dev", "vf0", "altname", "enP31819p0s2")
    pod.ip("link", "add", "br0", "type", "bridge")
    pod.ip("link", "property", "add", "dev", "br0", "altname", "enP31819p0s2")
    before = found(lab)
    manager = start(lab)
    manager.wait_vf()
    pod.take()
    manager.wait_told("failed", f"cannot move vf0 to {pod.name}")
    pod.wait_path(Path.SYNTHETIC, Reason.NO_VF)
    flows(pod.sending())
    assert found(lab) == before
    assert len(failures(manager)) == 1
    pod.ip("link", "del", "br0")
    pod.wait_path(Path.VF)


def test_s55_without_the_capability_the_pair_is_released_and_that_is_told(
    lab: Lab, pod: Pod, start: Start
) -> None:
    before = found(lab)
    less = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
    manager = start(lab, "eth0", wrapped_in=less)
    manager.wait_vf()
    pod.take()
    manager.wait_told("failed", "CAP_SYS_ADMIN is missing")
    manager.wait_told("released")
    assert found(lab) == before and pod.statuses() == []
    flows(pod.sending())
    lab.run(pod.name, ["ip", "link", "set", "eth0", "netns", lab.guest])
    ip(lab, "link", "set", "eth0", "up")
    manager.wait_vf()


def test_s55_namespace_with_a_manager_of_its_own_is_left_to_it(lab: Lab, pod: Pod, start: Start) -> None:
    before = found(lab)
    manager = start(lab)
    manager.wait_vf()
    other = start(lab, "eth7", namespace=pod.name)
    other.wait_told("awaited")
    pod.take()
    manager.wait_told("moved", f"process {other.process.pid} manages that")
    manager.wait_told("released")
    assert found(lab) == before and pod.statuses() == []
    flows(pod.sending())


def test_s55_pair_that_somebody_else_attached_there_is_left_alone(lab: Lab, pod: Pod, start: Start) -> None:
    mac = "00:15:5d:77:77:77"
    for name in ("own0", "own1"):
        pod.ip("link", "add", name, "address", mac, "type", "veth", "peer", "name", f"{name}far")
    options = datapath.AttachOptions(vf="own1")
    pod.inside(datapath.attach, "own0", options)
    manager = start(lab)
    manager.wait_vf()
    pod.take()
    eventually("both", lambda: {one.path for one in pod.statuses()} == {Path.VF, Path.SYNTHETIC})
    pod.ip("link", "set", "own0", "mtu", "1300")
    pod.ip("link", "set", "eth0", "mtu", "1300")
    manager.wait_told("followed", "vf0 has MTU 1300")
    own1 = pod.nic("own1")
    assert own1 is not None and own1.mtu == 1500
    manager.stop()
    pod.inside(datapath.detach, "eth0")
    (left,) = pod.statuses()
    assert left.synthetic.name == "own0" and nic(lab, "vf0") is not None


def test_s26_synthetic_nic_removed_there_and_its_vf_is_back_home(lab: Lab, pod: Pod, start: Start) -> None:
    before = found(lab)
    manager = start(lab)
    manager.wait_vf()
    pod.take()
    pod.wait_path(Path.VF)
    pod.ip("link", "del", "eth0")
    manager.wait_told("released")
    eventually("back", lambda: unused(lab, pod))
    eventually("as found", lambda: found(lab) == before)
    tap(lab, "eth0")
    ip(lab, "link", "set", "eth0", "up")
    manager.wait_vf()


def test_s56_vf_that_is_added_at_home_is_moved_there_and_used(lab: Lab, pod: Pod, start: Start) -> None:
    manager = start(lab, "eth0", "--settle", "100")
    manager.wait_vf()
    pod.take()
    pod.wait_path(Path.VF)
    for round_ in range(2):
        with UdpStream(pod.sending()) as stream:
            lab.unplug_vf()
            pod.wait_path(Path.SYNTHETIC, Reason.NO_VF)
            received = stream.received
            eventually("traffic", lambda received=received, of=stream: of.received > received + 50)
        lab.plug_vf(up=False)
        manager.wait_told("moved", "vf0 follows it", times=round_ + 2)
        pod.wait_path(Path.VF)
    flows(pod.sending())
    flows(pod.receiving())


def test_s56_vf_that_is_added_while_nobody_was_there(lab: Lab, pod: Pod, start: Start) -> None:
    first = start(lab)
    first.wait_vf()
    pod.take()
    pod.wait_path(Path.VF)
    first.kill()
    lab.unplug_vf()
    lab.plug_vf(up=False)
    start(lab).wait_told("moved", "vf0 follows it")
    pod.wait_path(Path.VF)


def test_s57_namespace_deleted_and_nothing_of_it_is_left(lab: Lab, pod: Pod, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    pod.take()
    pod.wait_path(Path.VF)
    pod.remove()
    # The kernel destroys it only when nobody holds it any more; with it go its veths, and their other ends.
    eventually("it is gone", lambda: not {"syn0", "vf0"} & ports(lab))
    manager.wait_told("released", "is gone")
    eventually("no pin left", lambda: not leftovers.pins())
    assert manager.process.poll() is None and not failures(manager) and not manager.noise
    # And the manager is ready for the next NIC of that name.
    tap(lab, "eth0")
    tap(lab, "vf9")
    for name in ("eth0", "vf9"):
        ip(lab, "link", "set", name, "up")
    manager.wait_told("joined", "vf9")


def test_s57_namespace_deleted_while_nobody_was_there(lab: Lab, pod: Pod, start: Start) -> None:
    first = start(lab)
    first.wait_vf()
    pod.take()
    pod.wait_path(Path.VF)
    first.kill()
    pod.remove()
    eventually("it is gone", lambda: not {"syn0", "vf0"} & ports(lab))
    assert pins.in_use(pod.pins)
    second = start(lab)
    second.wait_told("released", "is gone")
    eventually("no pin left", lambda: not leftovers.pins())
    assert second.process.poll() is None and not failures(second)


def test_s57_vf_that_somebody_moves_away_is_released_and_not_followed(
    lab: Lab, make_pod: MakePod, start: Start
) -> None:
    pod, elsewhere = make_pod(), make_pod()
    manager = start(lab)
    manager.wait_vf()
    ip(lab, "link", "set", "vf0", "netns", elsewhere.name)
    manager.wait_told("left", "vf-gone")
    manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
    # A VF that vanishes with a namespace.
    elsewhere.remove()
    eventually("it is gone", lambda: "vf0" not in ports(lab))
    lab.plug_vf(up=False)
    manager.wait_vf()
    # The same where the pair is abroad.
    pod.take()
    pod.wait_path(Path.VF)
    third = make_pod()
    pod.ip("link", "set", "vf0", "netns", third.name)
    manager.wait_told("left", "vf-gone", times=2)
    pod.wait_path(Path.SYNTHETIC, Reason.NO_VF)
    flows(pod.sending())
    vf = third.nic("vf0")
    assert vf is not None and not failures(manager)


def ports(lab: Lab) -> set[str]:
    """The interfaces of the fabric: the far ends of the guest's NICs, wherever those are."""
    listed = lab.run(lab.fabric, ["ip", "-o", "link"]).stdout
    return {line.split(": ")[1].partition("@")[0] for line in listed.splitlines()}
