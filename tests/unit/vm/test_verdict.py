# SPDX-License-Identifier: GPL-2.0-only
"""What is made of the files that a guest left, and of its console."""

from pathlib import Path

import pytest

from tests.vm.verdict import Report, judge
from vm.machine import Ending, Outcome

PASSED = '<testsuites><testsuite><testcase name="one"/><testcase name="two"/></testsuite></testsuites>'
FAILED = '<testsuites><testsuite><testcase name="one"><failure/></testcase></testsuite></testsuites>'
LOG = """\
guest: no module ifb
labs: tests/kernel/test_abi.py::test_one PASSED [ 50%]
pair: tests/vm/test_udev.py::test_s10 PASSED [ 33%]
labs: tests/kernel/test_abi.py::test_two PASSED [100%]
"""
STALL = "[ 1845.4] rcu: rcu_preempt kthread timer wakeup didn't happen for 2502 jiffies!\n"


def judged(
    out: Path, ending: Ending = Ending.FINISHED, console: tuple[str, ...] = (), **files: str
) -> Report:
    left = {"kernel": "6.12.95+deb12-amd64", "log": LOG} | files
    if ending is Ending.FINISHED:
        left = {"status": "0", "junit-pair.xml": PASSED} | left
    for name, text in left.items():
        (out / name).write_text(text)
    return judge("6.12", out, Outcome(ending, 500, console))


def test_one_whose_tests_passed_has_no_problem(tmp_path: Path) -> None:
    report = judged(tmp_path)
    assert (report.problems, report.remarks, report.tests["passed"]) == ([], [], 2)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"junit-pair.xml": FAILED, "status": "1"}, "1 tests failed"),
        ({"kernel": "6.1.0-50-amd64"}, "ran 6.1.0-50-amd64"),
        ({"status": "5", "junit-pair.xml": ""}, "no test was selected"),
        ({"status": "2"}, "pytest ended with status 2"),
        ({"junit-pair.xml": PASSED[:40]}, "no process ended its tests"),
        ({"dmesg": "[ 1.0] BUG: kernel NULL pointer dereference"}, "kernel: [ 1.0] BUG: kernel NULL"),
        ({"dmesg": "[ 1.0] WARNING: CPU: 1 PID: 2 at net/core/dev.c:9 f+0x1/0x2"}, "kernel: [ 1.0] WARNING"),
        ({"dmesg": "[ 1.0] WARNING: net/core/dev.c:9 at f+0x1/0x2, CPU#1: ip/2"}, "kernel: [ 1.0] WARNING"),
    ],
    ids=["failed", "kernel", "none", "status", "cut off", "oops", "warning", "newer warning"],
)
def test_one_that_finished_is_judged_and_not_booted_again(
    tmp_path: Path, files: dict[str, str], problem: str
) -> None:
    report = judged(tmp_path, **files)
    assert any(line.startswith(problem) for line in report.problems)
    assert not report.stopped_by_itself


@pytest.mark.parametrize("ending", [Ending.OFF, Ending.SILENT])
def test_one_that_stopped_by_itself_says_where_and_what_its_kernel_said(
    tmp_path: Path, ending: Ending
) -> None:
    report = judged(tmp_path, ending, (STALL,))
    assert report.stopped_by_itself
    assert report.problems[0].endswith(", after 500 s")
    assert report.remarks == [
        "the last of labs: tests/kernel/test_abi.py::test_two PASSED",
        "the last of pair: tests/vm/test_udev.py::test_s10 PASSED",
        f"console: {STALL.strip()}",
    ]


def test_one_in_which_a_test_had_failed_is_not_booted_again(tmp_path: Path) -> None:
    log = f"{LOG}pair: tests/vm/test_xdp.py::test_s48 FAILED [ 66%]\n"
    assert not judged(tmp_path, Ending.SILENT, log=log).stopped_by_itself


def test_one_whose_kernel_complained_is_not_booted_again(tmp_path: Path) -> None:
    panic = "[ 9.1] Kernel panic - not syncing: Fatal exception"
    report = judged(tmp_path, Ending.OFF, (f"{panic}\n",), dmesg=panic)
    assert not report.stopped_by_itself
    assert report.problems.count(f"kernel: {panic}") == 1


def test_warning_of_the_vfs_own_driver_is_a_remark_and_any_other_a_problem(tmp_path: Path) -> None:
    where = "at drivers/net/ethernet/intel/igbvf/netdev.c:1781"
    closed = f"[ 137.9] WARNING: CPU: 1 PID: 202 {where} igbvf_close+0x10d/0x120 [igbvf]"
    other = f"[ 137.9] WARNING: CPU: 1 PID: 202 {where} igbvf_open+0x10d/0x120 [igbvf]"
    report = judged(tmp_path, dmesg=f"{closed}\n{other}\n")
    assert report.remarks == [f"kernel: {closed}"]
    assert [problem for problem in report.problems if problem.startswith("kernel")] == [f"kernel: {other}"]


def test_one_that_was_late_is_not_booted_again(tmp_path: Path) -> None:
    assert not judged(tmp_path, Ending.LATE).stopped_by_itself
