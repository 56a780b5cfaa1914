# SPDX-License-Identifier: GPL-2.0-only
"""Kernels that are too old are refused with one line, before anything else is tried."""

import os
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from netvsc_bpf.cli.commands import command_line

from netvsc_bpf.kernel.process.kernel_version import require_kernel, too_old
from netvsc_bpf.model.errors import NotSupported

BULLSEYE = "5.10.0-34-amd64"


@pytest.fixture
def old_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(release=BULLSEYE))


@pytest.mark.parametrize(
    ("release", "old"),
    [(BULLSEYE, True), ("4.18.0-513.el8.x86_64", True), ("5.15.0-94-generic", False), ("odd", None)],
)
def test_s67_kernel_is_judged_by_its_number(release: str, old: bool | None) -> None:
    assert too_old(release) is old


def test_running_kernel_is_accepted() -> None:
    require_kernel("cannot attach eth0")


def test_refusal_names_the_kernel_that_would_do(old_kernel: None) -> None:
    with pytest.raises(NotSupported) as refused:
        require_kernel("cannot attach eth0")
    assert refused.value.requires == "5.15"


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("attach eth0", "cannot attach eth0"),
        ("attach --all", "cannot attach"),
        ("detach eth0", "cannot detach eth0"),
        ("run", "cannot manage"),
        ("plan", "cannot plan"),
    ],
)
def test_s67_commands_refuse_an_old_kernel_with_status_4_and_one_line(
    command: str, what: str, old_kernel: None
) -> None:
    result = CliRunner().invoke(command_line, command.split())
    line = f"{what}: Linux {BULLSEYE} is older than 5.15; boot kernel 5.15 or later"
    assert (result.exit_code, result.stderr) == (4, f"netvsc-bpf: {line}\n")
