# SPDX-License-Identifier: GPL-2.0-only
"""How the end of a guest is seen: a process that logs, falls silent, goes on for too long, or is gone."""

import math
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vm import machine
from vm.machine import Ending, watch


@contextmanager
def process(script: str, log: Path) -> Iterator[subprocess.Popen[str]]:
    """One that appends to the log what it prints, as a guest does."""
    with log.open("a") as output, subprocess.Popen(["sh", "-c", script], stdout=output, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def test_one_that_is_gone_was_shown_whole(tmp_path: Path) -> None:
    shown: list[str] = []
    with process("echo one; echo two", tmp_path / "log") as child:
        assert watch(child, tmp_path / "log", 60, math.inf, shown.append) is Ending.OFF
    assert shown == ["one", "two"]


def test_one_that_says_nothing_for_too_long_is_silent(tmp_path: Path) -> None:
    shown: list[str] = []
    with process("echo one; exec sleep 60", tmp_path / "log") as child:
        assert watch(child, tmp_path / "log", 60, 0.1, shown.append) is Ending.SILENT
        assert child.poll() is None
    assert shown == ["one"]


def test_one_whose_kernel_lost_a_timer_is_not_waited_for_as_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "STUCK_S", 0.1)
    said = ["rcu: \tPossible timer handling issue on cpu=0 timer-softirq=15576"]
    for console, ending in ((said, Ending.SILENT), (["eth4: Reset adapter"], Ending.LATE)):
        with process("echo one; exec sleep 60", tmp_path / "log") as child:
            assert watch(child, tmp_path / "log", 2, 30, lambda _: None, console) is ending


def test_one_that_goes_on_saying_things_is_late(tmp_path: Path) -> None:
    with process("while :; do echo more; sleep 0.1; done", tmp_path / "log") as child:
        assert watch(child, tmp_path / "log", 2, 30, lambda _: None) is Ending.LATE


def test_half_a_line_is_not_shown(tmp_path: Path) -> None:
    shown: list[str] = []
    with process("echo one; printf half; exec sleep 60", tmp_path / "log") as child:
        assert watch(child, tmp_path / "log", 1, math.inf, shown.append) is Ending.LATE
    assert shown == ["one"]
