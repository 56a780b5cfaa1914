# SPDX-License-Identifier: GPL-2.0-only
"""drain and undrain beside a manager: it follows, and neither its end nor its beginning changes anything."""

import signal
from pathlib import Path as FilePath

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.events.running_manager import RunningManager
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.conftest import Cli
from tests.kernel.support.manager import Manager, ip, managers, nic
from tests.kernel.support.waiting import eventually
from tests.kernel.switching.test_draining import SETTLE_MS, some_more, streams

SETTLED = ("--settle", str(SETTLE_MS))


def drain(lab: Lab, for_s: float | None = None, why: str = "") -> list[str]:
    """As the command does it: the manager, where there is one, is asked."""
    return lab.in_guest(lambda: datapath.drain("eth0", for_s, why, RunningManager()))


def undrain(lab: Lab) -> list[str]:
    return lab.in_guest(lambda: datapath.undrain("eth0", RunningManager()))


def is_up(lab: Lab) -> bool:
    vf0 = nic(lab, "vf0")
    assert vf0 is not None
    return vf0.up


def damped_by(manager: Manager) -> list[str]:
    """The events that a failed VF would cause."""
    return [event["event"] for event in manager.events if event["severity"] != "info"]


def test_s98_manager_follows_a_drain_and_its_end_and_nothing_is_lost_or_blamed(lab: Lab) -> None:
    with managers(lab) as start:
        manager = start("eth0", *SETTLED)
        manager.wait_vf()
        with streams(lab) as flows:
            for times in range(1, 6):
                assert drain(lab, why="the host is serviced") == []
                assert manager.where == (Path.SYNTHETIC, Reason.DRAINED)
                assert not is_up(lab), "when the command returns it is done"
                some_more(flows, 50)
                assert undrain(lab) == []
                manager.wait_vf()
                assert is_up(lab)
                manager.wait_event("undrained", "by an operator", times=times)
        reported = manager.events_of("drained")[0]
        assert (reported["why"], reported["reason"]) == ("the host is serviced", "drained")
        assert "until `undrain`: the host is serviced" in reported["text"]
        assert {event["reason"] for event in manager.events_of("switched")} == {"drained", "armed"}
        assert len(manager.events_of("followed", "vf0 was taken down: drained")) == 5
        assert damped_by(manager) == [], "a drain is no failure"
        assert manager.where == (Path.VF, Reason.ARMED), "five failures would have damped it"


def test_s98_manager_ends_a_drain_when_its_time_is_over(lab: Lab) -> None:
    with managers(lab) as start:
        manager = start("eth0", *SETTLED)
        manager.wait_vf()
        assert drain(lab, for_s=1.5) == []
        assert manager.status.drained is not None and manager.status.drained.until is not None
        assert not is_up(lab)
        manager.wait_event("undrained", "its time has ended")
        manager.wait_vf()
        assert manager.status.drained is None
        assert manager.events_of("undrained")[0]["duration_s"] >= 1.5


def test_s98_drain_outlives_the_manager_and_the_next_one_keeps_it(lab: Lab) -> None:
    with managers(lab) as start:
        first = start("eth0", *SETTLED)
        first.wait_vf()
        with streams(lab) as flows:
            assert drain(lab, why="kept") == []
            first.kill()
            assert first.where == (Path.SYNTHETIC, Reason.DRAINED)
            second = start("eth0", *SETTLED)
            second.wait_event("drained", "kept")
            some_more(flows)
            assert second.where == (Path.SYNTHETIC, Reason.DRAINED)
            assert not second.events_of("permitted") and not is_up(lab)
            assert undrain(lab) == []
            second.wait_vf()


@pytest.mark.parametrize("drained_by_it", [True, False], ids=["drained", "undrained"])
def test_s98_manager_that_is_killed_in_between_changes_nothing(lab: Lab, drained_by_it: bool) -> None:
    with managers(lab) as start:
        manager = start("eth0", *SETTLED)
        manager.wait_vf()
        with streams(lab):
            if not drained_by_it:
                manager.kill()
            assert drain(lab) == []
            assert not is_up(lab)
            if drained_by_it:
                manager.kill()
            assert undrain(lab) == []
            assert is_up(lab)
            eventually("the VF is used", lambda: manager.where == (Path.VF, Reason.ARMED))


def test_s98_manager_that_does_not_answer_is_not_waited_for(lab: Lab) -> None:
    with managers(lab) as start:
        manager = start("eth0", *SETTLED)
        manager.wait_vf()
        manager.wait_event("joined")
        with streams(lab):
            manager.process.send_signal(signal.SIGSTOP)
            try:
                assert drain(lab) == []
                assert not is_up(lab)
                assert manager.where == (Path.SYNTHETIC, Reason.DRAINED)
                assert undrain(lab) == []
                assert is_up(lab)
                manager.wait_vf()
            finally:
                manager.process.send_signal(signal.SIGCONT)


def test_s98_vf_that_is_brought_up_externally_is_taken_down_again(lab: Lab) -> None:
    with managers(lab) as start:
        manager = start("eth0", *SETTLED)
        manager.wait_vf()
        assert drain(lab) == []
        ip(lab, "link", "set", "vf0", "up")
        manager.wait_event("followed", "vf0 was taken down: drained", times=2)
        eventually("it is down", lambda: not is_up(lab))
        assert manager.where == (Path.SYNTHETIC, Reason.DRAINED)


def test_s98_another_vf_that_is_plugged_in_meanwhile_joins_and_waits(lab: Lab) -> None:
    with managers(lab) as start:
        manager = start("eth0", *SETTLED)
        manager.wait_vf()
        assert drain(lab) == []
        lab.unplug_vf()
        manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
        lab.plug_vf(up=False)
        manager.wait_event("joined", "vf0", times=2)
        manager.wait_path(Path.SYNTHETIC, Reason.DRAINED)
        assert not is_up(lab)
        assert undrain(lab) == []
        manager.wait_vf()


@pytest.fixture
def steering(tmp_path: FilePath) -> FilePath:
    path = tmp_path / "steer.toml"
    path.write_text('[attach]\nleave = "steer"\nany_bus = true\n')
    return path


def test_s98_where_the_policy_is_to_steer_the_vf_stays_up(lab: Lab, steering: FilePath) -> None:
    with managers(lab) as start:
        manager = start("eth0", *SETTLED, "--config", str(steering))
        manager.wait_vf()
        with streams(lab) as flows:
            (said,) = drain(lab)
            assert said.startswith("the manager leaves vf0 up")
            some_more(flows)
            assert is_up(lab) and not manager.events_of("followed")
            assert manager.where == (Path.SYNTHETIC, Reason.DRAINED)
            assert undrain(lab) == []
            manager.wait_vf()


def test_s98_commands_beside_a_manager(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    with managers(lab) as start:
        manager = start("eth0", *SETTLED)
        manager.wait_vf()
        done = netvsc_bpf_cli("drain", "eth0", "--for", "2h", "--why", "cable")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert "the manager ends it at " in netvsc_bpf_cli("status", "eth0").stdout
        assert "drained" in netvsc_bpf_cli("events").stdout
        assert netvsc_bpf_cli("undrain", "eth0").returncode == 0
        manager.wait_vf()
