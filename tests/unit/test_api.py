# SPDX-License-Identifier: GPL-2.0-only
"""The public names: what docs/library.md says of them is so, and the command line uses nothing else."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import netvsc_bpf

REPO = Path(__file__).resolve().parents[2]
FUNCTIONS = [name for name in netvsc_bpf.__all__ if name[0].islower()]
COMMANDS = ("attach", "detach", "drain", "events", "status", "undamp", "undrain")


@pytest.mark.parametrize("name", netvsc_bpf.__all__)
def test_public_name_is_documented_and_says_what_it_is(name: str) -> None:
    assert re.search(rf"`{name}[`(]", (REPO / "docs" / "library.md").read_text())
    assert inspect.getdoc(getattr(netvsc_bpf, name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_function_is_typed_and_says_what_it_raises_or_returns(name: str) -> None:
    function = getattr(netvsc_bpf, name)
    signature = inspect.signature(function)
    annotations = [one.annotation for one in signature.parameters.values()]
    assert inspect.Signature.empty not in [*annotations, signature.return_annotation]
    assert re.search(r"Raises|[Rr]eturn", function.__doc__)


def test_another_name_is_none() -> None:
    with pytest.raises(AttributeError, match="no attribute 'join'"):
        netvsc_bpf.join  # noqa: B018


def test_import_loads_nothing_that_is_not_used() -> None:
    code = "import sys, netvsc_bpf; print([name for name in sys.modules if name.startswith('netvsc_bpf.')])"
    ran = subprocess.run([sys.executable, "-c", code], cwd=REPO, check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_command_does_its_work_by_public_functions(command: str) -> None:
    tree = ast.parse((REPO / "cli" / f"{command}.py").read_text())
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "netvsc_bpf"
    }
    imported = {
        node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("netvsc_bpf.")
    }
    assert command in used
    assert not {name for name in imported if name.startswith(("netvsc_bpf.datapath.p", "netvsc_bpf.manager"))}
