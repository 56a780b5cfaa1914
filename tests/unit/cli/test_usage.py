# SPDX-License-Identifier: GPL-2.0-only
"""Command lines that are no command lines: exit status 2, before anything is looked at."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from netvsc_bpf.cli.commands import CONTEXT_SETTINGS, command_line
from netvsc_bpf.cli.exit_status import exit_statuses

from netvsc_bpf import datapath


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("attach eth0 --settle abc", "'abc' is not a valid integer"),
        ("attach eth0 --settle -5", "-5 is not in the range"),
        ("attach eth0 --settle 9", "9 is not in the range"),
        ("attach eth0 --settle 3600001", "is not in the range"),
        ("attach eth0 --guard foo", "'foo' is not one of"),
        ("attach eth0 --rx foo", "'foo' is not one of"),
        ("attach eth0 --liveness foo", "'foo' is not one of"),
        ("attach eth0 --all", "name one interface, or --all"),
        ("attach", "name one interface, or --all"),
        ("attach --all --vf vf0", "--vf names the VF of one interface"),
        ("attach eth0 eth1", "unexpected extra argument"),
        ("attach eth0 --no-such-option", "No such option"),
        ("top --interval nan", "nan is not a finite number"),
        ("top --interval inf", "inf is not a finite number"),
        ("top --interval=-inf", "-inf is not a finite number"),
        ("top --interval 0", "0 is not in the range"),
        ("top --interval=-1", "is not in the range"),
        ("top --interval 1e9", "is not in the range"),
        ("top --interval x", "'x' is not a valid float"),
        ("run --interval nan", "nan is not a finite number"),
        ("run --interval inf", "inf is not a finite number"),
        ("run --interval 0", "0 is not in the range"),
        ("run --interval=-1", "is not in the range"),
        ("run --interval 3601", "is not in the range"),
        ("run -v -q", "use one of --log-level, -v and -q"),
        ("run -v --log-level info", "use one of --log-level, -v and -q"),
        ("run --log-level loud", "'loud' is not one of"),
        ("detach", "name one interface, or --all"),
        ("detach eth0 --all", "name one interface, or --all"),
        ("status eth0 eth1", "unexpected extra argument"),
        ("no-such-command", "No such command"),
    ],
)
def test_usage_error_is_reported_and_nothing_is_done(
    line: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("attach", "attach_all", "detach", "detach_all", "status"):
        monkeypatch.setattr(datapath, name, lambda *_: pytest.fail("it was called"))
    result = CliRunner().invoke(command_line, line.split())
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


def each_command(group: click.Group = command_line, prefix: str = "") -> Iterator[str]:  # type: ignore[assignment]
    """Every command, those of groups too."""
    context = click.Context(group, **CONTEXT_SETTINGS)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from each_command(command, f"{name} ")
        else:
            yield prefix + name


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("command", list(each_command()))
def test_every_command_explains_itself_and_its_exit_statuses(command: str, option: str) -> None:
    result = CliRunner().invoke(command_line, [*command.split(), option])
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: netvsc-bpf {command} ")
    shown = result.stdout.split("Exit status:\n")[1].splitlines()
    found = [(int(status), meaning) for status, meaning in (line.split(maxsplit=1) for line in shown)]
    assert found == exit_statuses(command)
    assert {0, 1, 2, 130} <= {status for status, _ in found} <= {0, 1, 2, 3, 4, 130}


def test_program_itself_has_h() -> None:
    assert CliRunner().invoke(command_line, ["-h"]).stdout.startswith("Usage: netvsc-bpf [OPTIONS] COMMAND")


def test_a_configuration_file_that_cannot_be_used_is_wrong_usage(tmp_path: Path) -> None:
    path = tmp_path / "netvsc-bpf.toml"
    path.write_text("[damping]\nreuse = 9000\n")
    result = CliRunner().invoke(command_line, ["run", "--config", str(path)])
    assert result.exit_code == 2
    assert result.stderr == f"netvsc-bpf: {path}:2: reuse (9000) must be below suppress (3500)\n"
