# SPDX-License-Identifier: GPL-2.0-only
"""A VF that is up, has carrier, is the path - and swallows what it is given."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.kernel.bpf.abi import REASONS, ControlCommand
from netvsc_bpf.kernel.net.device_counters import transmitted
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.manager.watch import stalls
from netvsc_bpf.manager.watch.stalls import StallWatch
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.conftest import LabFactory
from tests.kernel.manager.turns import Turns
from tests.kernel.support.attachment import Attachment
from tests.kernel.support.devices import silence
from tests.kernel.support.frames import OTHER_MAC, ethernet, send
from tests.kernel.support.manager import Orders, OwnManager, nic, own_manager_of
from tests.kernel.support.pumped_vf import PumpedVf
from tests.kernel.support.waiting import eventually


@pytest.fixture
def lab(lab_factory: LabFactory) -> Lab:
    return lab_factory(LabPlan(vf=False))


@pytest.fixture
def vf(lab: Lab) -> Iterator[PumpedVf]:
    with PumpedVf(lab) as vf:
        yield vf


@pytest.mark.guest
@pytest.mark.oldest
def test_s22_vf_that_transmits_nothing_is_left_reported_and_tried_again_later(lab: Lab, vf: PumpedVf) -> None:
    with own_manager_of(lab, hold_s=3.0) as manager, UdpStream(udp_plan(lab, Direction.TX, rate=500)) as udp:
        manager.wait_vf()
        eventually("traffic through the VF", lambda: manager.status.tx.vf.packets > 100)
        assert not manager.events_of("stalled")

        vf.swallow()
        alert = manager.wait_event("stalled")
        assert alert["severity"] == "warning" and alert["hold_s"] == 3.0
        assert "transmitted none of" in alert["text"]
        manager.wait_path(Path.SYNTHETIC, Reason.STALLED)
        assert manager.events_of("switched")[-1]["reason"] == "stalled"
        manager.wait_event("followed", "vf0 was taken down: stalled")
        vf0 = nic(lab, "vf0")
        assert vf0 is not None and not vf0.up and vf0.carrier, "so that its switch leaves it, too"
        before = udp.received
        eventually("traffic on the synthetic path", lambda: udp.received > before + 200)

        vf.work()
        manager.wait_event("switched", "armed", times=2)
        manager.wait_vf()
        left, returned = (event["time"] for event in manager.events_of("switched")[1:3])
        assert seconds(returned) - seconds(left) >= 3.0
        before = udp.received
        eventually("traffic through the VF again", lambda: udp.received > before + 200)


def test_s22_vf_that_is_held_back_is_not_tried_sooner_by_another_manager(lab: Lab, vf: PumpedVf) -> None:
    with own_manager_of(lab, hold_s=600.0) as manager, UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        manager.wait_vf()
        vf.swallow()
        manager.wait_event("stalled")
        manager.wait_path(Path.SYNTHETIC, Reason.STALLED)
        manager.close()  # as a crash would leave it: managers take nothing down
        again = OwnManager(lab, Orders(lab.guest, hold_s=3.0))
        try:
            vf.work()
            assert again.wait_event("stalled", "held back before")["hold_s"] == 3.0
            again.wait_vf()
            assert not again.events_of("withdrawn")
        finally:
            again.close()


def seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def test_s22_vf_that_stalls_again_is_held_for_longer(lab: Lab, vf: PumpedVf) -> None:
    with own_manager_of(lab, hold_s=1.0) as manager, UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        for times, hold_s in enumerate([1.0, 2.0], start=1):
            manager.wait_event("switched", "armed", times=times)
            vf.swallow()
            assert manager.wait_event("stalled", times=times)["hold_s"] == hold_s
            vf.work()
        manager.wait_event("switched", "armed", times=3)


def test_s22_transmit_timeout_that_the_kernel_reports_is_a_stall(lab: Lab, vf: PumpedVf) -> None:
    """Reported by calling the sentinel: virtual devices have no watchdog."""
    with (
        own_manager_of(lab, hold_s=600.0) as manager,
        UdpStream(udp_plan(lab, Direction.TX, rate=500)) as udp,
    ):
        manager.wait_vf()
        Attachment(lab, "eth0").control(ControlCommand.DISARM, REASONS.index(Reason.TX_TIMEOUT))
        alert = manager.wait_event("stalled", "watchdog")
        assert (alert["reason"], alert["hold_s"]) == ("tx-timeout", 600.0)
        manager.wait_path(Path.SYNTHETIC, Reason.STALLED)
        result = udp.stop()
    assert result.lost == 0


def test_idle_pair_is_looked_at_and_nothing_else_is_read(
    lab: Lab, vf: PumpedVf, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, reads = Turns(lab), [0]

    def counting(vfs: set[int]) -> dict[int, int]:
        reads[0] += 1
        return transmitted(vfs)

    monkeypatch.setattr(stalls, "transmitted", counting)
    silence(lab)
    try:
        eventually("armed", turns.armed)
        watch = lab.in_guest(lambda: StallWatch(turns.reconciler, turns.events.append))
        assert lab.in_guest(watch.look), "the next look is due soon"
        assert not any(lab.in_guest(watch.look) for _ in range(4))
        assert reads == [1], "the first look has to know where it begins"
        send(lab.guest, "eth0", ethernet(OTHER_MAC, b"to be redirected"))
        assert lab.in_guest(watch.look)
        assert reads == [2]
        Attachment(lab, "eth0").control(ControlCommand.DISARM, REASONS.index(Reason.DRAINED))
        send(lab.guest, "eth0", ethernet(OTHER_MAC, b"not redirected"))
        lab.in_guest(watch.look)
        assert reads == [2], "the path is not the VF"
    finally:
        lab.in_guest(datapath.detach_all)
