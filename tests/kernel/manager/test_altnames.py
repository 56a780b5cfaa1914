# SPDX-License-Identifier: GPL-2.0-only
"""Interfaces that are named by an alternative name: by every command, the file, and across a renaming."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path as FilePath

import pytest

from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path
from tests.kernel.commands import PROGRAM, refused, run, state
from tests.kernel.machine import unchanged
from tests.kernel.support.manager import Manager, ip
from tests.kernel.support.waiting import eventually

LabFactory = Callable[..., Lab]
Start = Callable[..., Manager]
ALT, LONGEST, VF_ALT = "enx00155d010203", "l" * 127, "enP31819p0s2-of-the-host"


@pytest.fixture
def lab(lab_factory: LabFactory) -> Lab:
    lab = lab_factory(LabPlan(fabric=Fabric.NONE))
    for interface, name in (("eth0", ALT), ("eth0", LONGEST), ("vf0", VF_ALT)):
        ip(lab, "link", "property", "add", "dev", interface, "altname", name)
    return lab


@pytest.mark.parametrize("name", [ALT, LONGEST], ids=["short", "longest"])
def test_s87_every_command_takes_alternative_names_and_prints_the_real_one(
    lab: Lab, name: str, tmp_path: FilePath
) -> None:
    with unchanged(lab):
        pair = state(run(lab, "attach", name, "--vf", VF_ALT, "--settle", "10", "--json"))
        assert (pair["interface"], pair["vf"]["interface"], pair["path"]) == ("eth0", "vf0", "vf")
        assert state(run(lab, "status", name, "--json"))["interface"] == "eth0"
        assert run(lab, "top", name, "--once", "--interval", "0.1").stdout.find("eth0") >= 0
        assert "eth0" in run(lab, "doctor").stdout
        assert listens(lab, "capture", name, "-c", "1", "-w", str(tmp_path / "taken"), "icmp") == (
            "netvsc-bpf: listening on eth0 (synthetic) and vf0 (vf)\n"
        )
        refused(
            run(lab, "attach", VF_ALT, "--vf", name), 3, "vf0: it is the VF of another pair, that of eth0"
        )
        refused(run(lab, "status", VF_ALT), 3, "no status of vf0")
        assert run(lab, "detach", name).returncode == 0


def test_s87_run_takes_alternative_names_on_its_command_line(lab: Lab, start: Start) -> None:
    manager = start(lab, LONGEST)
    manager.wait_vf()
    assert {event["interface"] for event in manager.events_of("attached")} == {"eth0"}
    assert manager.events_of("awaited") == []


def test_s87_an_interface_is_managed_once_it_gets_the_alternative_name_that_is_waited_for(
    lab: Lab, start: Start
) -> None:
    manager = start(lab, "uplink", "--interval", "3600")
    manager.wait_event("awaited")
    ip(lab, "link", "property", "add", "dev", "eth0", "altname", "uplink")
    manager.wait_vf()


def test_s87_file_may_have_alternative_names_and_a_renaming_changes_nothing(
    lab: Lab, start: Start, tmp_path: FilePath
) -> None:
    file = tmp_path / "netvsc-bpf.toml"
    listed = f'[manager]\ninterfaces = ["{ALT}"]\n[interface.{ALT}]\nvf = "{VF_ALT}"\nsettle_ms = '
    file.write_text(f"{listed}20\n")
    manager = start(lab, "", "--config", str(file))
    manager.wait_vf()
    group = "01:00:5e:01:02:03"
    ip(lab, "link", "set", "eth0", "name", "lan0")
    ip(lab, "maddr", "add", group, "dev", "lan0")
    eventually("the VF listens to it", lambda: group in heard(lab, "vf0"))
    file.write_text(f"{listed}30\n")
    manager.process.send_signal(signal.SIGHUP)
    manager.wait_event("reloaded")
    ip(lab, "link", "set", "lan0", "mtu", "1400")
    manager.wait_event("followed", "vf0 has MTU 1400")
    manager.wait_path(Path.VF)
    assert manager.status.synthetic.name == "lan0"


def test_s87_two_names_of_one_interface_with_settings_of_their_own_are_refused(
    lab: Lab, tmp_path: FilePath
) -> None:
    file = tmp_path / "netvsc-bpf.toml"
    sections = f"[interface.eth0]\nsettle_ms = 20\n[interface.{ALT}]\nsettle_ms = 30\n"
    file.write_text(f'[manager]\ninterfaces = ["eth0", "{ALT}"]\n{sections}')
    with unchanged(lab):
        refused(run(lab, "run", "--config", str(file)), 3, "they are names of one interface, eth0")


def heard(lab: Lab, interface: str) -> str:
    return lab.run(lab.guest, ["ip", "maddr", "show", "dev", interface]).stdout


def listens(lab: Lab, *args: str) -> str:
    """Return the first line that a capture says; then end it."""
    command = ["nsenter", f"--net=/run/netns/{lab.guest}", "--", *PROGRAM, *args]
    with subprocess.Popen(command, text=True, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    return line
