# SPDX-License-Identifier: GPL-2.0-only
"""The return policy `manual`: a VF that failed is used again when an operator says so, and not before."""

import time
from collections.abc import Iterator

import pytest

from netvsc_bpf.kernel.bpf.abi import REASONS, ControlCommand
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.commands import state
from tests.kernel.conftest import Cli
from tests.kernel.manager.test_probes import BlackHole, Way
from tests.kernel.support.attachment import Attachment
from tests.kernel.support.frames import OTHER_MAC, ethernet, send
from tests.kernel.support.manager import Manager, OwnManager, ip, managers, nic, own_manager_of
from tests.kernel.support.waiting import eventually

LONG_S = 0.5
"""Several settle times."""


@pytest.fixture
def manager(lab: Lab) -> Iterator[OwnManager]:
    with own_manager_of(lab, returns="manual") as manager:
        manager.wait_vf()
        yield manager


def stays_off(lab: Lab, manager: Manager) -> None:
    """Nothing uses the VF, with packets that are sent for longer than the settle time."""
    changes = manager.status.path_changes
    deadline = time.monotonic() + LONG_S
    while time.monotonic() < deadline:
        send(lab.guest, "eth0", ethernet(OTHER_MAC, b"asks for the VF"))
        time.sleep(0.02)
    assert (manager.where, manager.status.path_changes) == ((Path.SYNTHETIC, Reason.MANUAL), changes)


def vf_is_up(lab: Lab) -> bool:
    found = nic(lab, "vf0")
    return found is not None and found.up


@pytest.mark.parametrize("command", ["undrain", "undamp"])
def test_s100_vf_that_failed_is_used_again_when_the_operator_says_so(
    lab: Lab, manager: OwnManager, netvsc_bpf_cli: Cli, command: str
) -> None:
    lab.vf_carrier(False)
    manager.wait_event("switched", "no-carrier")
    manager.wait_path(Path.SYNTHETIC, Reason.MANUAL)
    lab.vf_carrier(True)
    eventually("the VF is down", lambda: not vf_is_up(lab))
    stays_off(lab, manager)
    done = netvsc_bpf_cli(command, "eth0")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    manager.wait_vf()
    assert vf_is_up(lab)
    lab.vf_carrier(False)
    manager.wait_path(Path.SYNTHETIC, Reason.MANUAL)


@pytest.mark.guest
@pytest.mark.newest
def test_s100_it_holds_with_no_process_alive(lab: Lab, manager: OwnManager, netvsc_bpf_cli: Cli) -> None:
    manager.close()
    lab.vf_carrier(False)
    send(lab.guest, "eth0", ethernet(OTHER_MAC, b"finds it dead"))
    lab.vf_carrier(True)
    stays_off(lab, manager)
    assert netvsc_bpf_cli("attach", "eth0", "--any-bus", "--settle", "20").returncode == 0
    stays_off(lab, manager)
    assert netvsc_bpf_cli("undrain", "eth0").returncode == 0
    assert manager.where == (Path.VF, Reason.ARMED)


def test_s100_attach_chooses_it_without_a_manager_and_auto_ends_the_wait(
    lab: Lab, netvsc_bpf_cli: Cli
) -> None:
    attach = ("attach", "eth0", "--any-bus", "--settle", "20", "--json")
    planned = netvsc_bpf_cli(*attach[:-1], "--return", "manual", "--dry-run").stdout
    assert "wait for an operator before it is used again" in planned
    first = state(netvsc_bpf_cli(*attach, "--return", "manual"))
    assert (first["path"], first["return"], first["chosen"]["return"]) == ("vf", "manual", "manual")
    lab.vf_carrier(False)
    send(lab.guest, "eth0", ethernet(OTHER_MAC, b"finds it dead"))
    lab.vf_carrier(True)
    again = state(netvsc_bpf_cli(*attach))
    assert (again["path"], again["reason"], again["return"]) == ("synthetic", "manual", "manual")
    assert "--return manual, kept unless" in netvsc_bpf_cli("status").stdout
    ended = state(netvsc_bpf_cli(*attach, "--return", "auto"))
    assert (ended["path"], ended["return"], ended["chosen"]["return"]) == ("vf", "auto", "auto")
    assert "have vf0 return by itself" not in netvsc_bpf_cli("attach", "eth0", "--dry-run").stdout


def test_s100_run_keeps_the_policy_of_attach_through_its_restarts(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    attach = ("attach", "eth0", "--any-bus", "--settle", "20", "--json")
    assert state(netvsc_bpf_cli(*attach, "--return", "manual"))["return"] == "manual"
    with managers(lab) as start:
        for _ in range(2):
            manager = start()
            manager.wait_vf()
            assert manager.asked_status()["return"] == "manual"
            lab.vf_carrier(False)
            manager.wait_path(Path.SYNTHETIC, Reason.MANUAL)
            lab.vf_carrier(True)
            stays_off(lab, manager)
            manager.kill()
            assert netvsc_bpf_cli("undrain", "eth0").returncode == 0
            assert state(netvsc_bpf_cli(*attach))["path"] == "vf"


def test_s100_attach_beside_a_manager_changes_its_policy_at_once(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    with own_manager_of(lab) as manager:
        manager.wait_vf()
        done = netvsc_bpf_cli("attach", "eth0", "--return", "manual")
        assert (done.returncode, done.stderr) == (0, "")
        lab.vf_carrier(False)
        manager.wait_path(Path.SYNTHETIC, Reason.MANUAL)
        lab.vf_carrier(True)
        stays_off(lab, manager)
        assert netvsc_bpf_cli("attach", "eth0", "--return", "auto").returncode == 0
        manager.wait_vf()


def test_s100_it_holds_for_a_vf_that_is_plugged_in_instead_and_for_another_manager(
    lab: Lab, manager: OwnManager, netvsc_bpf_cli: Cli
) -> None:
    lab.unplug_vf()
    manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
    manager.close()
    lab.plug_vf()
    with own_manager_of(lab, returns="manual") as again:
        again.wait_path(Path.SYNTHETIC, Reason.MANUAL)
        stays_off(lab, again)
        assert netvsc_bpf_cli("undrain", "eth0").returncode == 0
        again.wait_vf()


def test_s100_what_an_operator_does_is_no_failure(lab: Lab, manager: OwnManager, netvsc_bpf_cli: Cli) -> None:
    assert netvsc_bpf_cli("drain", "eth0").returncode == 0
    assert netvsc_bpf_cli("undrain", "eth0").returncode == 0
    manager.wait_vf()
    ip(lab, "link", "set", "eth0", "mtu", "1400")
    manager.wait_event("followed", "MTU 1400")
    manager.wait_vf()
    ip(lab, "link", "set", "eth0", "down")
    manager.wait_path(Path.SYNTHETIC, Reason.SYNTHETIC_DOWN)
    ip(lab, "link", "set", "eth0", "up")
    manager.wait_vf()


def test_s100_a_stall_waits_for_the_operator_and_undamp_ends_its_hold(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    with own_manager_of(lab, returns="manual", hold_s=600.0) as manager:
        manager.wait_vf()
        Attachment(lab, "eth0").control(ControlCommand.DISARM, REASONS.index(Reason.TX_TIMEOUT))
        manager.wait_event("stalled")
        manager.wait_path(Path.SYNTHETIC, Reason.MANUAL)
        assert netvsc_bpf_cli("undrain", "eth0").returncode == 0
        manager.wait_path(Path.SYNTHETIC, Reason.STALLED)
        assert netvsc_bpf_cli("undamp", "eth0").returncode == 0
        manager.wait_vf()


def test_s100_a_vf_that_reaches_nothing_waits_for_the_operator(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    ip(lab, "route", "add", "default", "via", "10.99.0.2")
    with own_manager_of(lab, returns="manual", probe=True, probe_interval_s=0.3) as manager:
        manager.wait_vf()
        eventually("answers", lambda: (manager.asked_status()["probe"] or {}).get("state") == "reachable")
        hole = BlackHole(lab)
        hole.swallow(Way.FROM_GUEST)
        manager.wait_event("unreachable")
        manager.wait_event("probed", "was at fault")
        hole.work()
        stays_off(lab, manager)
        assert netvsc_bpf_cli("undamp", "eth0").returncode == 0
        manager.wait_vf()


def test_undamp_ends_damping_and_says_when_there_is_nothing_to_end(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    with own_manager_of(lab) as manager:
        manager.wait_vf()
        for times in range(1, 5):
            lab.vf_carrier(False)
            manager.wait_event("switched", "no-carrier", times=times)
            lab.vf_carrier(True)
            if times < 4:
                manager.wait_event("switched", "armed", times=times + 1)
        manager.wait_path(Path.SYNTHETIC, Reason.DAMPED)
        assert netvsc_bpf_cli("undamp", "eth0").returncode == 0
        manager.wait_vf()
        assert netvsc_bpf_cli("drain", "eth0").returncode == 0
        assert "stays drained" in netvsc_bpf_cli("undamp", "eth0").stderr
    done = netvsc_bpf_cli("undamp", "eth0")
    assert done.returncode == 3 and "is not attached" in done.stderr


def test_undamp_without_a_manager_says_that_nothing_is_damped(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    assert netvsc_bpf_cli("attach", "eth0", "--any-bus", "--settle", "20").returncode == 0
    done = netvsc_bpf_cli("undamp", "eth0")
    assert (done.returncode, done.stderr) == (0, "netvsc-bpf: eth0 is neither damped nor held\n")
