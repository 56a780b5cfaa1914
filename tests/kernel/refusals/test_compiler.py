# SPDX-License-Identifier: GPL-2.0-only
"""The compiler's child process failing in every way that it can: one line, nothing left."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import Ended, refused, run, state
from tests.kernel.machine import unchanged
from tests.kernel.support.sabotage import sabotage, sabotage_command

LabFactory = Callable[..., Lab]
CliIn = Callable[..., Ended]
ATTACH = ("attach", "eth0", "--vf", "vf0", "--settle", "10", "--json")

COMPILE = """
from netvsc_bpf.kernel.compile import child
good = child.compile_text
child.compile_text = lambda sources, text, macros: good(sources, {text}, macros)
"""
BROKEN_SOURCE = COMPILE.format(text='text + "this is no C\\n"')
BAD_HOME = '"int home(struct __sk_buff *skb) { return *(int *)(long)skb->len;"'
REFUSED_PROGRAM = COMPILE.format(text=f'text.replace("int home(struct __sk_buff *skb)\\n{{", {BAD_HOME})')
KILLED = """
import os, signal
os.kill(os.getpid(), signal.SIGKILL)
"""
SILENT = """
import os
os._exit(0)
"""
UNPINNABLE = """
import os
from netvsc_bpf.kernel.bpf import libbpf
pin, calls = libbpf.obj_pin, [0]
def obj_pin(fd, path):
    calls[0] += 1
    if calls[0] == {nth}:
        raise OSError({number}, os.strerror({number}))
    pin(fd, path)
libbpf.obj_pin = obj_pin
"""


@pytest.fixture
def lab(lab_factory: LabFactory) -> Lab:
    return lab_factory(LabPlan(fabric=Fabric.NONE))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (BROKEN_SOURCE, ["cannot compile the programs", "--verbose"]),
        (REFUSED_PROGRAM, ["cannot load program home", "--verbose"]),
        (KILLED, ["cannot compile the programs", "status -9"]),
        (SILENT, ["cannot compile the programs"]),
    ],
    ids=["source", "verifier", "killed", "silent"],
)
def test_compiler_that_fails_leaves_nothing(lab: Lab, tmp_path: Path, code: str, said: list[str]) -> None:
    with unchanged(lab):
        refused(run(lab, *ATTACH, env=sabotage(tmp_path, code)), 1, *said)


@pytest.mark.parametrize(("nth", "number"), [(1, 28), (8, 1), (12, 28)], ids=["first", "eighth", "later"])
def test_pin_that_fails_leaves_nothing(lab: Lab, tmp_path: Path, nth: int, number: int) -> None:
    with unchanged(lab):
        environment = sabotage_command(tmp_path, UNPINNABLE.format(nth=nth, number=number))
        refused(run(lab, *ATTACH, env=environment), 1, "cannot pin", os.strerror(number))


def test_verbose_shows_the_compilers_log(lab: Lab, tmp_path: Path) -> None:
    with unchanged(lab):
        result = run(lab, "--verbose", *ATTACH, env=sabotage(tmp_path, BROKEN_SOURCE))
        assert result.returncode == 1
        assert "error: unknown type name 'this'" in result.stderr
        assert result.stderr.splitlines()[-1].startswith("netvsc-bpf: cannot compile the programs")


def test_nothing_is_imported_from_the_working_directory(lab: Lab, cli_in: CliIn, tmp_path: Path) -> None:
    for name in ("json", "bcc", "netvsc_bpf"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the current folder')\n")
    with unchanged(lab):
        assert state(run(lab, *ATTACH, cwd=tmp_path))["path"] == "vf"
        assert cli_in(lab.guest, "detach", "eth0").returncode == 0
