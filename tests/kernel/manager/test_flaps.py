# SPDX-License-Identifier: GPL-2.0-only
"""A VF that fails again and again."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import log2
from pathlib import Path as FilePath

import pytest

from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.commands import run
from tests.kernel.support.manager import Manager
from tests.kernel.support.waiting import eventually

Start = Callable[..., Manager]


def carrier_flap(lab: Lab, manager: Manager) -> None:
    changes = manager.status.path_changes
    lab.vf_carrier(False)
    # At level `live` the kernel notices at the next packet; a failure that ends before is not a flap.
    eventually("the kernel has left the VF", lambda: manager.status.path_changes > changes)
    lab.vf_carrier(True)


def down_flap(lab: Lab, manager: Manager) -> None:
    changes = manager.status.path_changes
    lab.vf_down()
    eventually("the kernel has left the VF", lambda: manager.status.path_changes > changes)
    lab.vf_up()


@pytest.mark.parametrize("flap", [carrier_flap, down_flap], ids=["carrier", "down"])
def test_s20_three_flaps_are_normal_and_the_fourth_is_damped(
    lab: Lab, start: Start, flap: Callable[[Lab, Manager], None]
) -> None:
    manager = start(lab, "eth0", "--settle", "10")
    with UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        for number in range(4):
            manager.wait_vf()
            assert not manager.events_of("damped"), f"after {number} flaps"
            flap(lab, manager)
        manager.wait_event("damped")
        manager.wait_path(Path.SYNTHETIC, Reason.DAMPED)
        changes = manager.status.path_changes
        for _ in range(3):
            lab.vf_down()
            lab.vf_up()
        manager.wait_path(Path.SYNTHETIC, Reason.DAMPED)
        assert manager.status.path_changes == changes, "it is not tried meanwhile"
    assert len(manager.events_of("damped")) == 1
    # The kernel may have returned once more before the manager had heard of the fourth.
    assert len(manager.events_of("switched", "armed")) in (4, 5)


def removed(lab: Lab, manager: Manager) -> None:
    lab.unplug_vf()


def removed_without_link(lab: Lab, manager: Manager) -> None:
    """A driver that takes the link away first: the kernel leaves the VF for that."""
    changes = manager.status.path_changes
    lab.vf_carrier(False)
    eventually("the kernel has left the VF", lambda: manager.status.path_changes > changes)
    lab.unplug_vf()


@pytest.mark.parametrize("removal", [removed, removed_without_link], ids=["removed", "without-link"])
def test_s106_vf_that_is_removed_again_and_again_is_never_damped(
    lab: Lab, start: Start, removal: Callable[[Lab, Manager], None]
) -> None:
    manager = start(lab, "eth0", "--settle", "10")
    with UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        for _ in range(10):
            manager.wait_vf()
            removal(lab, manager)
            manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
            lab.plug_vf(up=False)
        manager.wait_vf()
    assert not manager.events_of("damped")
    reasons = {one["reason"] for one in manager.events_of("switched") if one["to"] == "synthetic"}
    assert reasons == ({"vf-gone"} if removal is removed else {"no-carrier"})
    if removal is removed:
        assert {one["severity"] for one in manager.events_of("switched")} == {"info"}


def test_status_says_when_a_damped_vf_is_used_again_by_the_damping_in_force(
    lab: Lab, start: Start, tmp_path: FilePath
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[damping]\nhalf_life_s = 7200.0\n")
    manager = start(lab, "eth0", "--settle", "10", "--config", str(config))
    with UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        for _ in range(4):
            manager.wait_vf()
            carrier_flap(lab, manager)
        manager.wait_path(Path.SYNTHETIC, Reason.DAMPED)
        before = datetime.now(UTC)
        (pair,) = json.loads(run(lab, "status", "--json").stdout)
        after = datetime.now(UTC)
        # It decays from above 3500, and at most from the ceiling of 5000, to 2750.
        least, most = (timedelta(seconds=7200 * log2(figure / 2750)) for figure in (3500, 5000))
        assert before + least - timedelta(seconds=60) <= datetime.fromisoformat(pair["until"]) <= after + most
        assert (pair["managed"], pair["settle_ms"]) == (True, 10)
        text = " ".join(run(lab, "status").stdout.split())
        assert re.search(r"use it again at \S+ \S+[-+]\d\d:\d\d, unless it fails before", text)
        manager.kill()
        (pair,) = json.loads(run(lab, "status", "--json").stdout)
        assert (pair["reason"], pair["managed"], pair["until"]) == ("damped", False, None)
        assert "no manager runs" in run(lab, "status").stdout


def test_s21_bounces_within_the_settle_time_leave_nothing_behind(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0", "--settle", "2000")
    manager.wait_vf()
    for _ in range(20):
        lab.vf_down()
        lab.vf_up()
    manager.wait_vf()
    assert not manager.events_of("damped")


@pytest.mark.guest
@pytest.mark.oldest
def test_s62_every_switch_is_reported_with_cause_and_kernel_time(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0", "--settle", "10")
    manager.wait_vf()
    with UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        lab.vf_down()
        manager.wait_event("switched", "vf-down")
        lab.vf_up()
        manager.wait_event("switched", "armed", times=2)
        lab.vf_carrier(False)
        manager.wait_event("switched", "no-carrier")
        lab.vf_carrier(True)
        manager.wait_event("switched", "armed", times=3)
        lab.unplug_vf()
        manager.wait_event("switched", "vf-gone")
    switches = manager.events_of("switched")
    status = manager.status
    assert len(switches) == status.path_changes == 6
    assert [one["to"] for one in switches] == ["vf", "synthetic"] * 3
    assert [one["time"] for one in switches] == sorted(one["time"] for one in switches)
    assert status.last_change is not None
    # The clocks' offset is read again each time a time is converted to time of day.
    reported = status.last_change.fromisoformat(switches[-1]["time"])
    assert abs((reported - status.last_change).total_seconds()) < 1
