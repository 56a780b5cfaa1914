# SPDX-License-Identifier: GPL-2.0-only
"""`config check`: every mistake of a file with its line, and no consequence of another mistake."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from netvsc_bpf.cli.commands import command_line

from netvsc_bpf.config.load import check, load
from netvsc_bpf.model.errors import ConfigError

REPO = Path(__file__).resolve().parents[3]


def lines(tmp_path: Path, text: str) -> list[tuple[int, str]]:
    """The mistakes in a text: line, beginning of the reason."""
    file = tmp_path / "x.toml"
    file.write_text(text)
    found = [(one.what.removeprefix(f"{file}:"), one.why) for one in check(file)]
    return [(int(line), " ".join(why.split()[:3])) for line, why in found]


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("", []),
        (
            "[manager]\ninterval_s = 0\nstep = 1\n[damping]\npenalty = 'x'\n",
            [(2, "interval_s must be"), (3, "[manager] has no"), (5, "penalty takes a")],
        ),
        ("[foo]\n[bar]\n", [(1, "unknown section [foo];"), (2, "unknown section [bar];")]),
        (
            "[interface.eth0]\nguard = 'x'\n[interface.eth1]\nvf = 'eth1'\nsettle_ms = 1\n",
            [(2, 'guard takes "auto"'), (4, "vf = eth1:"), (5, "settle_ms must be")],
        ),
        (
            '[interface.eth0]\nvf = "eth1"\n[interface.eth1]\nvf = "eth0"\n',
            [(2, "vf = eth1:"), (4, "vf = eth0:")],
        ),
        (
            "[manager]\ninterfaces = ['eth0']\n[interface.eth1]\n[interface.eth2]\n",
            [(3, "eth1 is not"), (4, "eth2 is not")],
        ),
        ("[damping]\nreuse = 9000\nceiling = 1\n", [(2, "reuse (9000) must"), (3, "suppress (3500) must")]),
        ("[damping]\nreuse = 'x'\nsuppress = 100\n", [(2, "reuse takes a")]),
        ("[damping]\nreuse = 'x'\nceiling = 100\n", [(2, "reuse takes a"), (3, "suppress (3500) must")]),
        ("[damping]\nreuse = 4000\nsuppress = 3000\n", [(3, "reuse (4000) must")]),
        (
            "[metrics]\ncert_file = '/a'\nusers = { a = 'b' }\n",
            [(2, "there is a"), (3, "the password is")],
        ),
        ("[manager]\ninterval_s =\nstep = 1\n", [(2, "invalid TOML: Invalid"), (3, "[manager] has no")]),
        ("[manager\nx = 1\n[damping]\ny = 1\n", [(1, "invalid TOML: Expected"), (4, "[damping] has no")]),
        (
            "[damping]\npenalty = 1\npenalty = 2\nx = 1\n",
            [(3, "invalid TOML: Cannot"), (4, "[damping] has no")],
        ),
        ("[manager]\ninterfaces = ['eth0',\n", [(2, "invalid TOML: Invalid")]),
        (f"x = {'[' * 50_000}", [(1, "values are nested")]),
    ],
)
def test_every_mistake_is_found_once(tmp_path: Path, text: str, mistakes: list[tuple[int, str]]) -> None:
    assert lines(tmp_path, text) == mistakes


def test_garbage_ends_soon(tmp_path: Path) -> None:
    assert 0 < len(lines(tmp_path, "]]] = [\n" * 1000)) <= 50
    text = "[damping]\n" + "".join(f"k{number} = 1\n" for number in range(10_000))
    assert len(lines(tmp_path, text)) == 100


def test_run_names_the_first_and_where_the_others_are(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text("[manager]\na = 1\nb = 2\nc = 3\n")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(caught.value).startswith(f"{file}:2: [manager] has no key a")
    assert str(caught.value).endswith(f"; `netvsc-bpf config check {file}` shows 2 other mistakes")


def test_command_prints_each_on_a_line_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text("[manager]\na = 1\n[foo]\n")
    result = CliRunner().invoke(command_line, ["config", "check", str(file)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.split(" ")[1] for line in result.stderr.splitlines()] == [f"{file}:2:", f"{file}:3:"]


@pytest.mark.parametrize("name", ["deploy/netvsc-bpf.toml", "examples/full.toml", "examples/minimal.toml"])
def test_files_that_are_delivered_have_none(name: str) -> None:
    result = CliRunner().invoke(command_line, ["config", "check", str(REPO / name)])
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{REPO / name}: no mistakes\n", "")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("config check /nonexistent", "/nonexistent: cannot be read: No such file"),
        ("config check /", "/: cannot be read: Is a directory"),
        ("config check /dev/zero", "is larger than 256 KB"),
        ("config check a b", "unexpected extra argument"),
        ("config chek", "No such command 'chek'"),
    ],
)
def test_what_is_no_file_is_wrong_usage(line: str, said: str) -> None:
    result = CliRunner().invoke(command_line, line.split())
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
