# SPDX-License-Identifier: GPL-2.0-only
"""Commands beside attach and detach, asked for what cannot be: status, one line, and nothing changed."""

from pathlib import Path

import pytest

from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import refused, state
from tests.kernel.conftest import Cli, CliIn, LabFactory
from tests.kernel.machine import unchanged
from tests.kernel.support.attachment import attached

ATTACH = ("attach", "eth0", "--vf", "vf0", "--settle", "10", "--guard", "off", "--json")


@pytest.fixture
def lab(lab_factory: LabFactory) -> Lab:
    return lab_factory(LabPlan(fabric=Fabric.NONE))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("drain nosuch0", "cannot drain nosuch0: there is no such interface; see `ip link`"),
        ("drain eth0", "cannot drain eth0: it is not attached; run `netvsc-bpf attach eth0`"),
        ("drain eth0 --for 5m --why upgrade", "it is not attached"),
        ("undrain nosuch0", "cannot undrain nosuch0: there is no such interface"),
        ("undrain eth0", "cannot undrain eth0: it is not attached"),
        ("undamp nosuch0", "cannot undamp nosuch0: there is no such interface"),
        ("undamp eth0", "cannot undamp eth0: it is not attached"),
        ("top nosuch0 --json --once", "no status of nosuch0: there is no such interface"),
        ("top eth0 --json --once", "no status of eth0: it is not attached"),
        ("events nosuch0", "nosuch0"),
        ("plan lo", "it is the loopback interface"),
        ("attach nosuch0 --dry-run", "nosuch0: no such interface"),
        ("attach lo --dry-run", "it is the loopback interface"),
        ("attach eth0 --dry-run --vf nosuch0", "nosuch0: no such interface"),
        ("attach eth0 --dry-run --vf eth0", "a NIC cannot be its own VF"),
        ("attach eth0 --dry-run --vf vf0 --rx kernel", "--rx auto"),
        ("attach --all --dry-run", "no synthetic NIC was found"),
        ("attach nosuch0 --return manual", "nosuch0: no such interface"),
        ("attach eth0 --return manual --vf vf0 --rx kernel", "--rx auto"),
        ("run lo", "it is the loopback interface"),
    ],
)
def test_request_that_cannot_be_is_refused_and_changes_nothing(
    lab: Lab, cli_in: CliIn, arguments: str, said: str
) -> None:
    with unchanged(lab):
        refused(cli_in(lab.guest, *arguments.split()), 3, said)


@pytest.mark.parametrize("command", ["drain", "undrain", "undamp", "status"])
def test_command_that_is_given_the_vf_names_the_interface_to_give(
    lab: Lab, cli_in: CliIn, command: str
) -> None:
    with attached(lab):
        refused(cli_in(lab.guest, command, "vf0"), 3, "vf0: it is the VF of eth0; name eth0 instead")


@pytest.mark.parametrize("command", ["drain", "undrain", "undamp", "plan", "attach --dry-run", "top --once"])
def test_name_that_no_interface_can_have_is_refused_on_one_line(
    lab: Lab, cli_in: CliIn, command: str
) -> None:
    with unchanged(lab):
        for name in ("", "two\nlines", "a\x1b[31m/b", "x" * 200):
            ended = cli_in(lab.guest, *command.split(), name)
            assert ended.returncode in (2, 3), ended
            (line,) = ended.stderr.splitlines()
            assert line.startswith("netvsc-bpf: ") and "\x1b" not in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[probe]\ntargets = []\n", ":2: targets must have 1 to 16 entries"),
        ("[attach]\nreturn = 'never'\n", ":2: return takes"),
        ("[interface.eth0]\nleave = 'up'\n", ":2: leave takes"),
        ("[maintenance]\nacknowledge = true\n", ":2: acknowledge needs azure = true"),
        ("[log]\nlevel = 'loud'\n", ":2: level takes"),
    ],
    ids=["probe", "return", "leave", "maintenance", "log"],
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_mistake_in_the_file_ends_run_and_plan_before_they_begin(
    lab: Lab, cli_in: CliIn, tmp_path: Path, command: str, text: str, said: str
) -> None:
    file = tmp_path / "x.toml"
    file.write_text(text)
    with unchanged(lab):
        refused(cli_in(lab.guest, command, "eth0", "--config", str(file)), 2, f"{file}{said}")


def test_refused_attach_does_not_change_the_return_policy_of_a_pair(lab: Lab, cli_in: CliIn) -> None:
    assert state(cli_in(lab.guest, *ATTACH, "--return", "manual"))["return"] == "manual"
    with unchanged(lab):
        refused(cli_in(lab.guest, "attach", "eth0", "--rx", "kernel", "--return", "auto"), 3, "--rx auto")
    (pair,) = [state(cli_in(lab.guest, "status", "eth0", "--json"))]
    assert (pair["return"], pair["chosen"]["return"], pair["path"]) == ("manual", "manual", "vf")


@pytest.mark.parametrize("where", ["/nonexistent/x.tar.gz", "/"])
def test_report_that_cannot_be_written_says_where_and_what_to_do(lab: Lab, cli_in: CliIn, where: str) -> None:
    with unchanged(lab):
        refused(cli_in(lab.guest, "report", "-o", where), 1, f"cannot write {where}: ", "-o")


def test_drain_that_is_too_long_or_without_text_leaves_the_pair_on_its_vf(lab: Lab, cli_in: CliIn) -> None:
    assert state(cli_in(lab.guest, *ATTACH))["path"] == "vf"
    for arguments in (("--for", "367d"), ("--for", "nan"), ("--why", " "), ("--why", "x" * 201)):
        refused(cli_in(lab.guest, "drain", "eth0", *arguments), 2, "netvsc-bpf drain -h")
    pair = state(cli_in(lab.guest, "status", "eth0", "--json"))
    assert (pair["path"], pair["drained"]) == ("vf", None)


def test_undrain_of_all_where_none_is_drained_does_nothing(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    done = netvsc_bpf_cli("undrain", "--all")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
