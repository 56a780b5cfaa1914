# SPDX-License-Identifier: GPL-2.0-only
"""What became of one guest, read from the files that it left and from its console.

Never from the exit code of the programs around it: one that crashed, hung, ran another kernel, or ran no
test at all has failed.
"""

import contextlib
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from vm.machine import Ending, Outcome

# What the kernel says about itself when the fault may be ours. Not a stall or lockup: those an emulated,
# overcommitted processor has by itself. Newer kernels write the CPU at the end of a WARNING's first line
# (__warn(), kernel/panic.c), and `CPU#1` instead of `CPU: 1`.
_FAULT = re.compile(
    r"WARNING: (CPU:|.*\bCPU#)|BUG: (?!soft lockup|workqueue lockup)"
    r"|Oops|general protection|kernel panic|KASAN|UBSAN",
    re.I,
)
# After its PF went down igbvf resets a VF for seconds, without RTNL, and warns if that is closed meanwhile:
# igbvf_reinit_locked() and igbvf_close(), drivers/net/ethernet/intel/igbvf/netdev.c.
_OF_THE_VF = re.compile(r"WARNING: .*igbvf_close\+")
_STALL = re.compile(r"detected stall|kthread starved|kthread timer wakeup|lockup")
_FAILED = re.compile(r"::.* (FAILED|ERROR)\b")
_ENDED = re.compile(r"^(\w+): \S+::.* (PASSED|SKIPPED|RERUN|FAILED|ERROR)\b")
"""A line of `pytest --verbose`, with the name of the process that tests/vm/task.sh puts before it."""
_NOTHING_SELECTED = "5"
"""Pytest's exit status."""
_WORDS = {
    Ending.OFF: "went off before its tests had ended",
    Ending.SILENT: "fell silent and was ended",
    Ending.LATE: "was not done in time and was ended",
}


@dataclass(frozen=True)
class Guest:
    """A kernel, and the best hook and rung of liveness that it has to offer: less than these is a failure."""

    kernel: str
    """Its name, as in Kernel."""
    hook: str
    liveness: str
    marked: str
    """Which tests for guests it runs: an expression of their marks."""

    @property
    def tests(self) -> str:
        """Return the expression for pytest."""
        return f"guest and {self.marked}"


@dataclass(frozen=True)
class Report:
    """What became of one guest: how each test ended, and everything that went wrong, in words."""

    release: str
    seconds: float
    tests: Counter[str]
    skips: Counter[str]
    problems: list[str]
    remarks: list[str]
    """Where a guest was that did not finish, what a driver says of itself. No problems by themselves."""
    stopped_by_itself: bool
    """The machine stopped under its tests, while none had failed and its kernel complained of nothing."""


def judge(version: str, out: Path, outcome: Outcome) -> Report:
    """Read the files that a guest of this version left. One that is missing or unexpected is a problem."""
    release = _read(out / "kernel")
    status = _read(out / "status")
    log = _read(out / "log").splitlines()
    tests, skips = _count(out.glob("junit-*.xml"))
    failed = tests["failed"] + tests["error"]
    said = [*_read(out / "dmesg").splitlines(), *outcome.console]
    complaints = list(dict.fromkeys(f"kernel: {line.strip()}" for line in said if _FAULT.search(line)))
    faults = [line for line in complaints if not _OF_THE_VF.search(line)]

    problems = []
    if outcome.ending is not Ending.FINISHED:
        problems.append(f"{_WORDS[outcome.ending]}, after {outcome.seconds:.0f} s")
    if release and not release.startswith(f"{version}."):
        problems.append(f"ran {release}")
    if status not in ("", "0", _NOTHING_SELECTED):
        problems.append(f"pytest ended with status {status}")
    if failed:
        problems.append(f"{failed} tests failed")
    elif status == _NOTHING_SELECTED:
        problems.append("no test was selected")
    elif not tests["passed"]:
        problems.append("no process ended its tests")
    problems += faults

    by_itself = outcome.ending in (Ending.OFF, Ending.SILENT)
    clean = not faults and not failed and not any(_FAILED.search(line) for line in log)
    remarks = [line for line in complaints if line not in faults]
    if outcome.ending is not Ending.FINISHED:
        remarks += _remarks(log, outcome.console)
    return Report(release, outcome.seconds, tests, skips, problems, remarks, by_itself and clean)


def _remarks(log: Sequence[str], console: Sequence[str]) -> list[str]:
    """Return where each process was, and the kernel's reports of hung waits."""
    reached = {match[1]: match[0] for line in log if (match := _ENDED.search(line))}
    stalls = [f"console: {line.strip()}" for line in console if _STALL.search(line)]
    return [*(f"the last of {line}" for line in reached.values()), *stalls[-3:]]


def _count(reports: Iterable[Path]) -> tuple[Counter[str], Counter[str]]:
    """Return how many tests ended in which way, and the reasons of those that were skipped."""
    tests: Counter[str] = Counter()
    skips: Counter[str] = Counter()
    for case in chain.from_iterable(map(_cases, reports)):
        if case.find("error") is not None:
            tests["error"] += 1
        elif case.find("failure") is not None:
            tests["failed"] += 1
        elif (skipped := case.find("skipped")) is not None:
            tests["skipped"] += 1
            skips[skipped.get("message", "")] += 1
        else:
            tests["passed"] += 1
    return tests, skips


def _cases(junit: Path) -> list[ElementTree.Element]:
    with contextlib.suppress(ElementTree.ParseError):  # it was not written to its end
        return list(ElementTree.parse(junit).iter("testcase"))
    return []


def _read(path: Path) -> str:
    """Return the file's text, or nothing where there is no such file."""
    try:
        return path.read_text(errors="replace").strip()
    except FileNotFoundError:
        return ""
