# SPDX-License-Identifier: GPL-2.0-only
"""A VF that is up, has carrier, is the path - and swallows what it is given."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.conftest import LabFactory
from tests.kernel.support.manager import nic, own_manager_of
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
def test_s22_vf_that_swallows_frames_is_left_told_of_and_tried_again_later(lab: Lab, vf: PumpedVf) -> None:
    with own_manager_of(lab, hold_s=3.0) as manager, UdpStream(udp_plan(lab, Direction.TX, rate=500)) as udp:
        manager.wait_vf()
        eventually("traffic through the VF", lambda: manager.status.tx.vf.packets > 100)
        assert not manager.told("stalled")

        vf.swallow()
        alert = manager.wait_told("stalled")
        assert alert["severity"] == "warning" and alert["hold_s"] == 3.0
        assert "transmitted none of" in alert["text"]
        manager.wait_path(Path.SYNTHETIC, Reason.STALLED)
        assert manager.told("switched")[-1]["reason"] == "stalled"
        vf0 = nic(lab, "vf0")
        assert vf0 is not None and vf0.up and vf0.carrier, "or somebody else noticed"
        before = udp.received
        eventually("traffic on the synthetic path", lambda: udp.received > before + 200)
        assert len(manager.told("switched", "armed")) == 1, "not before the hold is over"

        vf.work()
        manager.wait_told("switched", "armed", times=2)
        manager.wait_vf()
        switches = [event["time"] for event in manager.told("switched")]
        assert seconds(switches[-1]) - seconds(switches[-2]) >= 3.0
        before = udp.received
        eventually("traffic through the VF again", lambda: udp.received > before + 200)
        assert len(manager.told("stalled")) == 1


def seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
