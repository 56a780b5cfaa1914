# SPDX-License-Identifier: GPL-2.0-only
"""The life of the process, and what others do behind its back."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.commands import refused, run
from tests.kernel.support.load import bearable
from tests.kernel.support.manager import Manager, ip
from tests.kernel.support.waiting import eventually

Start = Callable[..., Manager]


@contextmanager
def traffic(lab: Lab) -> Iterator[UdpStream]:
    with UdpStream(udp_plan(lab, Direction.TX, rate=bearable(2000, emulated=400))) as stream:
        yield stream


def pin(lab: Lab, program: str) -> FilePath:
    inode = lab.in_guest(namespaces.current_inode)
    return NetnsPins(inode).link(lab.ifindex(lab.guest, "eth0"), program)


def test_s27_killed_and_started_again_with_no_packet_lost(lab: Lab, start: Start) -> None:
    first = start(lab)
    first.wait_vf()
    with traffic(lab) as stream:
        changes = first.status.path_changes
        first.kill()
        sent = stream.sent
        eventually("traffic goes on", lambda: stream.sent > sent + 500)
        second = start(lab)
        ip(lab, "link", "set", "eth0", "promisc", "on")
        second.wait_event("followed", "promisc")  # it has looked
        assert (second.where, second.status.path_changes) == ((Path.VF, Reason.ARMED), changes)
        assert (
            not second.events_of("attached")
            and not second.events_of("joined")
            and not second.events_of("permitted")
        )
        result = stream.stop()
        assert result.lost == 0 and result.duplicates == 0


@pytest.mark.guest
@pytest.mark.oldest
def test_s27_failover_goes_on_while_the_manager_is_dead(lab: Lab, start: Start) -> None:
    first = start(lab, "eth0", "--settle", "20")
    first.wait_vf()
    with traffic(lab):
        first.kill()
        lab.vf_down()
        eventually("left", lambda: first.where == (Path.SYNTHETIC, Reason.VF_DOWN))
        lab.vf_up()
        eventually("back", lambda: first.where == (Path.VF, Reason.ARMED))
        lab.unplug_vf()
        eventually("gone", lambda: first.where == (Path.SYNTHETIC, Reason.NO_VF))
        lab.plug_vf(up=False)
        second = start(lab)
        second.wait_vf()
        second.wait_event("left")
        second.wait_event("joined")


def test_s27_killed_at_any_moment_of_a_flapping_vf(lab: Lab, start: Start) -> None:
    """Wherever it was interrupted, the next one ends in the right state."""
    dice = random.Random(27)
    manager = start(lab, "eth0", "--settle", "10")
    with traffic(lab):
        for number in range(6):
            manager.wait_vf()
            lab.unplug_vf()
            if number % 2:
                manager.wait_event("left")
            lab.plug_vf(up=False)
            time.sleep(dice.uniform(0, 0.05))  # at any moment of joining
            manager.kill()
            manager = start(lab, "eth0", "--settle", "10")
        manager.wait_vf()
        before = manager.status.tx.vf.packets
        eventually("steered", lambda: manager.status.tx.vf.packets > before + 100)
    assert not manager.events_of("failed") and not manager.noise


def test_ended_by_sigterm_it_leaves_the_data_path(lab: Lab, start: Start) -> None:
    manager = start(lab)
    manager.wait_vf()
    with traffic(lab) as stream:
        assert manager.stop() == 0
        sent = stream.sent
        eventually("traffic goes on", lambda: stream.sent > sent + 500)
        assert manager.where == (Path.VF, Reason.ARMED)
        assert stream.stop().lost == 0
    assert not manager.noise


def test_s66_second_manager_is_refused_and_the_first_undisturbed(lab: Lab, start: Start) -> None:
    first = start(lab)
    first.wait_event("switched", "armed")
    reported = len(first.events)
    for _ in range(3):
        refused(run(lab, "run", "eth0", "--any-bus"), 3, f"process {first.process.pid} manages it already")
    assert first.where == (Path.VF, Reason.ARMED) and len(first.events) == reported
    first.kill()
    start(lab).wait_vf()


def test_everything_replaced_by_an_outside_detach_and_attach(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0", "--settle", "20")
    manager.wait_vf()
    for number in range(3):
        lab.in_guest(datapath.detach_all)
        lab.in_guest(datapath.attach, "eth0", AttachOptions(any_bus=True, settle_ms=20))
        manager.wait_vf()
        ip(lab, "link", "set", "eth0", "mtu", str(1400 + number))
        manager.wait_event("followed", f"vf0 has MTU {1400 + number}")
    # The events of the ring that is there now are read, not those of the first.
    reported = len(manager.events_of("switched", "vf-down"))
    with traffic(lab):
        manager.wait_vf()
        lab.vf_down()
        manager.wait_event("switched", "vf-down", times=reported + 1)
    # The folder that is there now is watched.
    pin(lab, "guard").unlink()
    repaired = len(manager.events_of("repaired"))
    manager.wait_event("repaired", times=repaired + 1) if repaired == 0 else manager.wait_event("repaired")


def test_interface_that_does_not_exist_is_waited_for_and_sigterm_ends_that(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth7")
    assert manager.wait_event("awaited")["interface"] == "eth7"
    assert manager.stop() == 0
