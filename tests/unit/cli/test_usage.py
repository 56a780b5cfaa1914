# SPDX-License-Identifier: GPL-2.0-only
"""Command lines that are no command lines: exit status 2 and one line, before anything is looked at."""

import re
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
        ("attach eth0 --return never", "'never' is not one of 'auto', 'manual'"),
        ("attach eth0 --return", "Option '--return' requires an argument"),
        ("attach --dry-run", "name one interface, or --all"),
        ("attach eth0 --all --dry-run", "name one interface, or --all"),
        ("attach --dry-run --all --vf vf0", "--vf names the VF of one interface"),
        ("attach eth0 --dry-run=yes", "'--dry-run' does not take a value"),
        ("drain", "Missing argument 'IFACE'"),
        ("drain eth0 eth1", "unexpected extra argument"),
        ("drain eth0 --for", "Option '--for' requires an argument"),
        ("drain eth0 --for 0", "'0' is not between 1 s and 366 d"),
        ("drain eth0 --for 367d", "'367d' is not between 1 s and 366 d"),
        ("drain --all", "No such option '--all'"),
        ("undrain", "name one interface, or --all"),
        ("undrain eth0 --all", "name one interface, or --all"),
        ("undrain eth0 eth1", "unexpected extra argument"),
        ("undrain eth0 --for 5m", "No such option '--for'"),
        ("undamp", "Missing argument 'IFACE'"),
        ("undamp eth0 eth1", "unexpected extra argument"),
        ("undamp --all", "No such option '--all'"),
        ("plan --settle 9", "9 is not in the range"),
        ("plan --settle soon", "'soon' is not a valid integer"),
        ("plan --config", "Option '--config' requires an argument"),
        ("plan --dry-run", "No such option '--dry-run'"),
        ("report eth0", "unexpected extra argument"),
        ("report -o", "Option '-o' requires an argument"),
        ("report --masked", "No such option '--masked'"),
        ("events eth0 eth1", "unexpected extra argument"),
        ("events -n 0", "0 is not in the range"),
        ("events -n -1", "-1 is not in the range"),
        ("events -n ten", "'ten' is not a valid integer"),
        ("events --since", "Option '--since' requires an argument"),
        ("events --since tomorrow", "'tomorrow' is no time: use 10m"),
        ("events --since 2200-01-01", "'2200-01-01' is in the future"),
        ("top --json --count 0", "0 is not in the range"),
        ("top --json --once --count 2", "use either --once or --count"),
        ("top --json --sort size", "'size' is not one of 'traffic', 'name'"),
        ("top eth0 eth1 --json", "unexpected extra argument"),
        ("config chek", "No such command 'chek'"),
        ("config check a b", "unexpected extra argument"),
        ("config check --fix", "No such option '--fix'"),
        ("run --log-level", "Option '--log-level' requires an argument"),
        ("run --log-level INFO", "'INFO' is not one of"),
        ("run -q --log-level info", "use one of --log-level, -v and -q"),
        ("run --metrics-listen 9855", "must be ADDR:PORT or none"),
        ("run --return manual", "No such option '--return'"),
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
        ("--no-such-option status", "No such option"),
        ("--netns", "Option '--netns' requires an argument"),
    ],
)
def test_usage_error_is_reported_and_nothing_is_done(
    line: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in datapath.__all__:
        if callable(function := getattr(datapath, name)) and not isinstance(function, type):
            monkeypatch.setattr(datapath, name, lambda *_: pytest.fail("it was called"))
    result = CliRunner().invoke(command_line, line.split())
    assert (result.exit_code, result.stdout) == (2, ""), result.stderr
    (only,) = result.stderr.splitlines()
    assert only.startswith("netvsc-bpf: ") and said in only
    first = line.split()[0]
    shown = "netvsc-bpf" if first == "no-such-command" or first.startswith("-") else f"netvsc-bpf {first}"
    assert re.search(rf"; see `{shown}( check)? -h`$", only), only


def test_what_was_typed_cannot_break_the_line() -> None:
    result = CliRunner().invoke(command_line, ["drain", "eth0", "--for", "1\n\x1b[31mred"])
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "\x1b" not in line


def test_group_without_a_command_explains_itself() -> None:
    result = CliRunner().invoke(command_line, ["config"])
    assert "Usage: netvsc-bpf config" in result.output and "Traceback" not in result.output


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
