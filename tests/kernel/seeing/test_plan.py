# SPDX-License-Identifier: GPL-2.0-only
"""`plan` and `attach --dry-run` foretell what is done then, and do nothing."""

import json
import os
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

import pytest

from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import Ended, refused, state
from tests.kernel.machine import unchanged
from tests.kernel.programs import XDP, counting_program
from tests.kernel.support.manager import ip, managers
from tests.module_at import module_at

LabFactory = Callable[..., Lab]
CliIn = Callable[..., Ended]
REPO = FilePath(__file__).resolve().parents[3]
ATTACH = ("attach", "eth0", "--vf", "vf0", "--settle", "20")


@pytest.fixture
def lab(lab_factory: LabFactory) -> Lab:
    return lab_factory(LabPlan(fabric=Fabric.NONE))


def planned(done: Ended) -> dict[str, Any]:
    """What a command foretells; it is by the schema."""
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    pages = module_at(REPO / "scripts/json_page.py")
    assert pages.faults(pages.schema("plan"), found) == []
    assert isinstance(found, dict)
    return found


def steps(found: dict[str, Any]) -> list[str]:
    (pair,) = found["pairs"]
    return [step["step"] for step in pair["steps"]]


@pytest.mark.parametrize(
    "command",
    [("plan", "eth0", "--any-bus"), ("attach", "eth0", "--vf", "vf0", "--dry-run")],
    ids=["plan", "attach"],
)
def test_nothing_is_changed_and_the_steps_are_named(
    lab: Lab, cli_in: CliIn, command: tuple[str, ...]
) -> None:
    with unchanged(lab):
        found = planned(cli_in(lab.guest, *command, "--json"))
        text = cli_in(lab.guest, *command)
    assert steps(found) == ["Attach", "Join", "Permit"]
    assert (found["programs"], found["manager"]) == ("load", None)
    assert (found["pairs"][0]["path"], found["pairs"][0]["reason"]) == ("vf", "armed")
    assert (text.returncode, text.stderr) == (0, "")
    assert text.stdout.splitlines() == [
        "compile and load the programs",
        "eth0: path vf (armed) after 100 ms with carrier",
        "  1. attach steer and attach guard evidence",
        f"  2. add vf0 as VF: MTU 1500, MAC {lab.plan.pair(0).mac}, home; bring it up",
        "  3. permit vf0, settle time 100 ms",
    ]


def test_once_it_is_done_nothing_is_left_to_do(lab: Lab, cli_in: CliIn) -> None:
    state(cli_in(lab.guest, *ATTACH, "--json"))
    for command in (("plan", "eth0"), ("attach", "eth0", "--dry-run")):
        assert cli_in(lab.guest, *command).stdout == "eth0: nothing to do, path vf (armed)\n"
    other = planned(
        cli_in(lab.guest, "attach", "eth0", "--dry-run", "--guard", "off", "--settle", "70", "--json")
    )
    assert steps(other) == ["Attach", "Permit"]
    assert other["pairs"][0]["steps"][0]["text"] == "detach guard"
    ip(lab, "link", "set", "eth0", "mtu", "1400")
    assert steps(planned(cli_in(lab.guest, "plan", "--json"))) == ["Withdraw", "FollowMtu", "Permit"]


def test_plan_is_what_run_does(lab: Lab, cli_in: CliIn) -> None:
    expected = steps(planned(cli_in(lab.guest, "plan", "eth0", "--any-bus", "--json")))
    with managers(lab) as start:
        manager = start()
        manager.wait_event("switched", "armed")
        done = [event["step"] for event in manager.events if "step" in event]
        assert [step for step in done if step != "ReplaceInterim"] == expected
        beside = cli_in(lab.guest, "plan", "eth0", "--any-bus")
        assert f"a manager runs here already, process {manager.process.pid}" in beside.stderr
        assert beside.stdout == "eth0: nothing to do, path vf (armed)\n"


def test_configuration_is_obeyed_and_what_is_missing_is_named(
    lab: Lab, cli_in: CliIn, tmp_path: FilePath
) -> None:
    file = tmp_path / "x.toml"
    file.write_text(
        "[manager]\ninterfaces = ['eth0', 'eth7']\n[interface.eth0]\nsettle_ms = 30\nany_bus = true\n"
    )
    found = planned(cli_in(lab.guest, "plan", "--config", str(file), "--json"))
    assert (found["missing"], found["pairs"][0]["settle_ms"]) == (["eth7"], 30)
    assert "eth7: wait for it" in cli_in(lab.guest, "plan", "--config", str(file)).stdout
    assert "no synthetic NIC is here" in cli_in(lab.guest, "plan").stdout


def test_what_cannot_be_done_is_a_problem_of_the_pair(lab: Lab, cli_in: CliIn) -> None:
    with counting_program(XDP) as program:
        link = lab.in_guest(libbpf.link_create, program.fd, lab.ifindex(lab.guest, "eth0"), libbpf.XDP)
        try:
            with unchanged(lab):
                found = planned(cli_in(lab.guest, "plan", "eth0", "--any-bus", "--json"))
                assert any("another XDP program is attached" in one for one in found["pairs"][0]["problems"])
                refused(cli_in(lab.guest, *ATTACH, "--dry-run"), 3, "another XDP program", "--guard off")
        finally:
            os.close(link)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["attach", "nosuch0"], "nosuch0: no such interface"),
        (["attach", "eth0", "--vf", "nosuch0"], "nosuch0: no such interface"),
        (["attach", "eth0", "--vf", "eth0"], "a NIC cannot be its own VF"),
        (["attach", "lo"], "it is the loopback interface"),
        (["attach", "eth0", "--vf", "vf0", "--rx", "kernel"], "--rx auto"),
        (["attach", "--all"], "no synthetic NIC was found"),
        (["plan", "lo"], "it is the loopback interface"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_would_be_refused_is_refused_alike(
    lab: Lab, cli_in: CliIn, arguments: list[str], said: str
) -> None:
    dry = [] if arguments[0] == "plan" else ["--dry-run"]
    with unchanged(lab):
        refused(cli_in(lab.guest, *arguments, *dry), 3, said)


def test_mistake_in_the_file_is_wrong_usage(lab: Lab, cli_in: CliIn, tmp_path: FilePath) -> None:
    file = tmp_path / "x.toml"
    file.write_text("[manager]\nx = 1\n")
    refused(cli_in(lab.guest, "plan", "--config", str(file)), 2, f"{file}:2: [manager] has no key x")
