# SPDX-License-Identifier: GPL-2.0-only
"""A VF that is up and not to be used, on an embedded switch: which delivers to it while it is up."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import LeavePolicy, Path, Reason
from tests.kernel.commands import run
from tests.kernel.conftest import LabFactory
from tests.kernel.support.devices import received, transmitted
from tests.kernel.support.frames import Tap
from tests.kernel.support.manager import Orders, OwnManager, nic, own_manager_of
from tests.kernel.support.stuck import stick, unstick
from tests.kernel.support.waiting import eventually

RATE = 500
LONG_S = 600.0


@pytest.fixture
def lab(lab_factory: LabFactory) -> Lab:
    return lab_factory(LabPlan(fabric=Fabric.EMBEDDED))


@contextmanager
def traffic(lab: Lab) -> Iterator[tuple[UdpStream, UdpStream]]:
    """Streams out of the guest, and to it."""
    out, back = (udp_plan(lab, direction, rate=RATE) for direction in (Direction.TX, Direction.RX))
    with UdpStream(out) as sent, UdpStream(back) as came:
        yield sent, came


def go_on(*streams: UdpStream) -> None:
    """Wait until more arrives of each."""
    wanted = [(stream, stream.received + 200) for stream in streams]
    eventually("more arrives", lambda: all(stream.received > many for stream, many in wanted))


def by_which(manager: OwnManager, back: UdpStream) -> Path:
    """Wait until more arrives, and return by which path it all came."""
    before = manager.status.rx
    go_on(back)
    after = manager.status.rx
    vf, synthetic = (
        after.vf.packets - before.vf.packets,
        after.synthetic.packets - before.synthetic.packets,
    )
    assert max(vf, synthetic) > 200 and min(vf, synthetic) < 10, (vf, synthetic)
    return Path.VF if vf > synthetic else Path.SYNTHETIC


def used(lab: Lab) -> tuple[int, int]:
    """Packets that the VF's driver has received and sent."""
    return received(lab, lab.guest, "vf0"), transmitted(lab, lab.guest, "vf0")


def stall(lab: Lab, manager: OwnManager) -> None:
    stick(lab, lab.guest, "vf0")
    manager.wait_path(Path.SYNTHETIC, Reason.STALLED)


def test_s101_left_by_steering_alone_a_stalled_vf_keeps_the_ingress(lab: Lab) -> None:
    with own_manager_of(lab, leave=LeavePolicy.STEER, hold_s=LONG_S) as manager, traffic(lab) as (out, back):
        manager.wait_vf()
        go_on(out, back)
        stall(lab, manager)
        go_on(out)
        assert by_which(manager, back) is Path.VF
        vf0 = nic(lab, "vf0")
        assert vf0 is not None and vf0.up and not manager.events_of("followed", "taken down")
        assert back.stop().lost == 0
        reported = " ".join(run(lab, "status").stdout.split())
        assert "vf0 is up, so its switch may go on delivering to it" in reported


def test_s101_left_by_steering_alone_a_vf_that_receives_nothing_loses_the_ingress(lab: Lab) -> None:
    with own_manager_of(lab, leave=LeavePolicy.STEER, hold_s=LONG_S) as manager, traffic(lab) as (out, back):
        manager.wait_vf()
        go_on(out, back)
        stick(lab, lab.fabric, "vf0")
        stall(lab, manager)
        before, sent = back.received, back.sent
        eventually("the peer goes on sending", lambda: back.sent > sent + 500)
        assert back.received - before < 50, "egress is well, and the ingress is lost"
        go_on(out)
        lab.vf_down()  # what leave = "down" would have done
        go_on(out, back)


def test_s101_taken_down_a_stalled_vf_loses_the_ingress_to_the_synthetic_path_and_gets_it_back(
    lab: Lab,
) -> None:
    with own_manager_of(lab, leave=LeavePolicy.DOWN, hold_s=LONG_S) as manager, traffic(lab) as (out, back):
        manager.wait_vf()
        assert by_which(manager, back) is Path.VF
        stick(lab, lab.fabric, "vf0")
        stall(lab, manager)
        manager.wait_event("followed", "vf0 was taken down: stalled")
        go_on(out, back)
        with Tap(lab.fabric, "vf0") as wire:
            before = used(lab)
            go_on(out)
            assert by_which(manager, back) is Path.SYNTHETIC
            manager.close()  # as a crash would leave it
            assert by_which(manager, back) is Path.SYNTHETIC
            go_on(out)
            assert used(lab) == before
            assert wire.seen() == []
        for namespace in (lab.fabric, lab.guest):
            unstick(lab, namespace, "vf0")
        again = OwnManager(lab, Orders(lab.guest, hold_s=1.0))
        try:
            again.wait_vf()
            go_on(out)
            assert by_which(again, back) is Path.VF
        finally:
            again.close()
