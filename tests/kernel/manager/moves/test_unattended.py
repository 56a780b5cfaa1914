# SPDX-License-Identifier: GPL-2.0-only
"""NICs are moved, added and deleted while the manager is dead, or dies of it."""

import random
import time
from collections.abc import Callable

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.kernel.bpf import pins
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import Path
from tests.kernel.support.attachment import attached
from tests.kernel.support.claims import pins_but_claims
from tests.kernel.support.load import bearable
from tests.kernel.support.manager import Manager, ip
from tests.kernel.support.moves import failures, flows, found, ports, start_followed
from tests.kernel.support.pod import Pod
from tests.kernel.support.waiting import eventually

Start = Callable[..., Manager]


def test_s55_killed_and_started_again_with_no_packet_lost(lab: Lab, pod: Pod, start: Start) -> None:
    first = start_followed(lab, pod, start)
    with UdpStream(pod.sending()) as stream:
        changes = pod.statuses()[0].path_changes
        first.kill()
        sent = stream.sent
        eventually("traffic goes on", lambda: stream.sent > sent + 300)
        second = start(lab)
        pod.ip("link", "set", "eth0", "promisc", "on")
        second.wait_event("followed", "promisc")
        assert pod.statuses()[0].path_changes == changes
        assert (
            not second.events_of("attached")
            and not second.events_of("joined")
            and not second.events_of("awaited")
        )
        assert stream.stop().lost == 0
    second.stop()
    pod.ip("link", "set", "eth0", "promisc", "off")


def test_s55_moved_without_a_manager(lab: Lab, pod: Pod, start: Start) -> None:
    first = start(lab)
    first.wait_vf()
    first.kill()
    pod.take()
    second = start(lab)
    second.wait_event("moved", "vf0 follows")
    pod.wait_path(Path.VF)
    flows(pod.sending())


def test_s55_moved_away_without_a_process_it_carries_its_traffic_itself(lab: Lab, pod: Pod) -> None:
    before = found(lab)
    with attached(lab):
        eventually("the VF is the path", lambda: lab.in_guest(datapath.status)[0].path is Path.VF)
        pod.take()
        flows(pod.sending())
        flows(pod.receiving())
        lab.run(pod.name, ["ip", "link", "set", "eth0", "netns", lab.guest])
        pair = lab.plan.pair(0)
        ip(lab, "link", "set", "eth0", "up")
        ip(lab, "addr", "add", f"{pair.address}/24", "dev", "eth0")
        flows(udp_plan(lab, Direction.TX, rate=bearable(2000, emulated=400)))
        lab.in_guest(datapath.attach, "eth0", datapath.AttachOptions(vf="vf0", settle_ms=10))
        eventually("the VF is the path", lambda: lab.in_guest(datapath.status)[0].path is Path.VF)
        flows(udp_plan(lab, Direction.TX, rate=bearable(2000, emulated=400)))
    assert found(lab) == before


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


def test_s56_vf_that_is_added_without_a_manager(lab: Lab, pod: Pod, start: Start) -> None:
    first = start_followed(lab, pod, start)
    first.kill()
    lab.unplug_vf()
    lab.plug_vf(up=False)
    start(lab).wait_event("moved", "vf0 follows it")
    pod.wait_path(Path.VF)


def test_s57_namespace_deleted_without_a_manager(lab: Lab, pod: Pod, start: Start) -> None:
    first = start_followed(lab, pod, start)
    first.kill()
    pod.remove()
    eventually("it is gone", lambda: not {"syn0", "vf0"} & ports(lab))
    assert pins.in_use(pod.pins)
    second = start(lab)
    second.wait_event("released", "is gone")
    eventually("no pin left", lambda: not pins_but_claims())
    assert second.process.poll() is None and not failures(second)
