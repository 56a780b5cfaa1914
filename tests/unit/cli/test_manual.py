# SPDX-License-Identifier: GPL-2.0-only
"""The manual and the completion scripts say what the commands are, no more and no less."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest
from netvsc_bpf.cli.commands import CONTEXT_SETTINGS, Commands, command_line

from tests.module_at import module_at

REPO = Path(__file__).resolve().parents[3]
PAGE = REPO / "docs/man/netvsc-bpf.1"
PAGES = sorted((REPO / "docs/man").iterdir())
COMPLETION = REPO / "deploy/completion"
CONTEXT = click.Context(command_line, info_name="netvsc-bpf", **CONTEXT_SETTINGS)


@pytest.fixture(scope="module")
def manual() -> ModuleType:
    return module_at(REPO / "scripts/manual.py")


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def names() -> list[str]:
    assert isinstance(command_line, Commands)
    return command_line.list_commands(CONTEXT)


def test_what_stands_there_is_what_the_commands_say_now(manual: ModuleType) -> None:
    for path, text in manual.written().items():
        assert (REPO / path).read_text() == text, f"{path} is out of date: run `make manual`"


@pytest.mark.parametrize("name", names())
def test_every_option_of_a_command_is_in_its_section(name: str) -> None:
    text = PAGE.read_text().replace("\\-", "-")
    section = re.split(r"^\.S[SH] ", text.split(f'.SS "{name} ')[1], flags=re.MULTILINE)[0]
    command = command_line.get_command(CONTEXT, name)  # type: ignore[attr-defined]
    options = [one for one in command.params if isinstance(one, click.Option)]
    for option in options:
        assert re.search(rf"^\.B .*{option.opts[-1]}\b", section, re.MULTILINE), option.opts
    assert section.count("\n.TP") == len(options)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_manual_is_clean_to_mandoc(page: Path) -> None:
    checked = subprocess.run(
        [tool("mandoc"), "-T", "lint", "-W", "style", page], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_manual_is_clean_to_man(page: Path) -> None:
    env = {**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"}
    checked = subprocess.run(
        [tool("man"), "--warnings=w", "--local-file", page],
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "SEE ALSO" in checked.stdout


def path_with_the_command() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def answers(command: list[str]) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=path_with_the_command())
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_bash_completes_commands_and_options() -> None:
    script = (
        f"source {COMPLETION}/netvsc-bpf.bash; complete -p netvsc-bpf >&2; COMP_CWORD=$1; shift;"
        ' COMP_WORDS=("$@"); _netvsc_bpf_completion netvsc-bpf; echo "${COMPREPLY[@]}"'
    )
    bash = [tool("bash"), "--norc", "-c", script, "bash"]
    assert answers([*bash, "1", "netvsc-bpf", "sta"]) == ["status"]
    assert answers([*bash, "2", "netvsc-bpf", "top", "--o"]) == ["--once"]


def test_fish_completes_commands_and_options() -> None:
    fish = [tool("fish"), "--no-config", "-c"]
    source = f"source {COMPLETION}/netvsc-bpf.fish;"
    assert answers([*fish, f"{source} complete -C 'netvsc-bpf sta'"])[0] == "status"
    assert answers([*fish, f"{source} complete -C 'netvsc-bpf top --o'"])[0] == "--once"


def test_zsh_loads_the_script_and_gets_its_answers() -> None:
    # The completion system runs within the line editor only: this _describe prints what it would be given.
    script = (
        "compdef() { print -u2 compdef $@ }; _describe() { print -l ${(P)3} };"
        f" source {COMPLETION}/_netvsc-bpf; words=(netvsc-bpf sta); CURRENT=2; _netvsc_bpf_completion"
    )
    assert answers([tool("zsh"), "-f", "-c", script])[0].split(":")[0] == "status"


@pytest.mark.parametrize(
    "line",
    [
        *(
            "attach ",
            "capture ",
            "detach ",
            "drain ",
            "events ",
            "plan ",
            "run ",
            "run eth9 ",
            "status ",
            "top ",
        ),
        *("undrain ", "attach --settle 20 "),
    ],
)
def test_interfaces_are_offered_where_one_is_wanted(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.shell_completion import ShellComplete

    monkeypatch.setattr("socket.if_nameindex", lambda: [(1, "lo"), (2, "eth0"), (3, "enP31819s1")])
    complete = ShellComplete(command_line, {}, "netvsc-bpf", "_NETVSC_BPF_COMPLETE")
    offered = [item.value for item in complete.get_completions(line.split(), "e")]
    assert offered == ["enP31819s1", "eth0"]


def offered(line: str, begun: str) -> list[str]:
    from click.shell_completion import ShellComplete

    complete = ShellComplete(command_line, {}, "netvsc-bpf", "_NETVSC_BPF_COMPLETE")
    return [item.value for item in complete.get_completions(line.split(), begun)]


def test_interfaces_are_those_of_the_namespace_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    here: list[str] = []
    monkeypatch.setattr("netvsc_bpf.kernel.process.namespaces.enter", here.append)
    nics = {"": [(1, "lo"), (2, "eth0")], "blue": [(1, "lo"), (2, "eth5")]}
    monkeypatch.setattr("socket.if_nameindex", lambda: nics["".join(here)])
    assert offered("--netns blue attach", "e") == ["eth5"]
    assert here == ["blue"]


def test_namespace_that_cannot_be_entered_offers_nothing() -> None:
    assert offered("--netns no-such-namespace attach", "") == []


def test_namespaces_are_offered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("blue", "black", "red"):
        (tmp_path / name).touch()
    monkeypatch.setattr("netvsc_bpf.kernel.process.namespaces._NAMED", tmp_path)
    assert offered("--netns", "bl") == ["black", "blue"]
    monkeypatch.setattr("netvsc_bpf.kernel.process.namespaces._NAMED", tmp_path / "none")
    assert offered("--netns", "") == []
