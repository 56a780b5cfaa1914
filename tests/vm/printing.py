# SPDX-License-Identifier: GPL-2.0-only
"""What vm-test and arm64-test print of a guest: its log as it comes, its console if it hung, its verdict."""

from collections.abc import Callable

from tests.vm.verdict import Report
from vm.machine import Ending, Outcome


def log_of(name: str) -> Callable[[str], None]:
    """Return what prints a line of the guest's log."""
    return lambda line: print(f"  {name:4} |", line, flush=True)


def print_console(name: str, outcome: Outcome) -> None:
    """Print the last lines of the console of a guest that did not finish."""
    if outcome.ending is not Ending.FINISHED:
        said = "".join(f"  {name:4} ! {line}" for line in outcome.console)
        print(f"the last {len(outcome.console)} lines of the console:\n{said}", flush=True)


def print_report(what: str, report: Report) -> None:
    """Print one guest's line, its skips, its problems, and where it was."""
    verdict = "FAILED" if report.problems else "passed"
    tests = ", ".join(f"{number} {word}" for word, number in sorted(report.tests.items())) or "no tests"
    print(f"  {verdict}: {what}: {tests} in {report.seconds:.0f} s")
    for reason, number in report.skips.items():
        print(f"    skipped {number}: {reason}")
    for line in (*report.problems, *report.remarks):
        print(f"    {line}")
