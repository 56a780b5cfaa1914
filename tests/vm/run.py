# SPDX-License-Identifier: GPL-2.0-only
"""Run the tests marked ``guest`` on other kernels: a virtual machine each, over this very file system.

What a guest did is read from the files that it left, never from the exit code of the programs around it:
one that crashed, hung, ran another kernel, or ran no test at all has failed.

``python -m tests.vm.run 6.12 -k s71`` runs some tests in one guest: what is not a kernel is passed to pytest.
"""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tests.vm.devices import HOT_SLOT, qemu_options
from vm import machine, qmp
from vm.kernels import REPO, Kernel, kernels

LIMIT_SECONDS = int(os.environ.get("NETVSC_BPF_VM_LIMIT", "2100"))

_WITH_THE_PAIR = ("tests/vm/", "tests/kernel/unprivileged/", "tests/kernel/upgrading/")
"""Tests of one process: those of the true pair, and some labs', so that both processes take equally long."""

# What the kernel says about itself when the fault may be ours. Not a stall or lockup: those an emulated,
# overcommitted processor has by itself.
KERNEL_FAULT = re.compile(
    r"WARNING: CPU|BUG: (?!soft lockup|workqueue lockup)|Oops|general protection|kernel panic|KASAN|UBSAN",
    re.I,
)


@dataclass(frozen=True)
class Guest:
    """A kernel, and the best hook and rung of liveness that it has to offer: less than these is a failure."""

    kernel: str
    hook: str
    liveness: str


MATRIX = (
    Guest("6.1", "clsact", "fentry"),
    Guest("6.12", "tcx", "fentry"),
)


@dataclass(frozen=True)
class Report:
    """What became of one guest: everything that went wrong, in words, and how each test ended."""

    release: str
    seconds: float
    tests: Counter[str]
    skips: Counter[str]
    problems: list[str]


def main(arguments: list[str]) -> int:
    """Run the guests whose kernels are named, or all; return the exit status."""
    # So that the guest's QEMU is ended too when this process is.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("vm-test: terminated"))
    wanted = [guest for guest in MATRIX if guest.kernel in arguments] or list(MATRIX)
    pytest_arguments = [argument for argument in arguments if argument not in {g.kernel for g in MATRIX}]
    available = kernels()
    files = prepared()
    # One after the other: at once, on two processors, each takes more than twice as long.
    reports = {guest: run(guest, available[guest.kernel], pytest_arguments, files) for guest in wanted}
    print("\nvm-test: summary")
    for guest, report in reports.items():
        show(guest, report)
    return int(any(report.problems for report in reports.values()))


def prepared() -> list[str]:
    """Compile all modules and collect the tests here, where that is quick; return the files that have some.

    A guest finds the compiled modules, pytest's own with rewritten assertions among them, and imports no
    more files than it needs.
    """
    python = [sys.executable, "-m"]
    subprocess.run(
        [*python, "compileall", "-q", "netvsc_bpf", "cli", "ebpf", "tests", "vm"], cwd=REPO, check=True
    )
    collect = [*python, "pytest", "-m", "guest", "--collect-only", "-q", "tests/vm", "tests/kernel"]
    collected = subprocess.run(collect, cwd=REPO, check=True, stdout=subprocess.PIPE, text=True).stdout
    return sorted({line.partition("::")[0] for line in collected.splitlines() if "::" in line})


def run(guest: Guest, kernel: Kernel, pytest_arguments: list[str], files: list[str]) -> Report:
    """Boot one guest, let it test, and judge by what it left."""
    print(
        f"\nvm-test: booting Linux {guest.kernel}, expecting hook {guest.hook}, liveness {guest.liveness}",
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="netvsc-bpf-vm-") as folder:
        out = Path(folder)
        outcome = machine.run(
            machine.Machine(kernel, devices=[*qemu_options(), *HOT_SLOT, *qmp.qemu_options(out / "qmp")]),
            REPO / "tests/vm/task.sh",
            out,
            settings={
                "PYTEST_ADDOPTS": shlex.join(pytest_arguments),
                "PAIR": shlex.join(file for file in files if file.startswith(_WITH_THE_PAIR)),
                "LABS": shlex.join(file for file in files if not file.startswith(_WITH_THE_PAIR)),
                "NETVSC_BPF_GUEST_KERNEL": guest.kernel,
                "NETVSC_BPF_GUEST_UDEV": str(kernel.folder.parents[1] / "udev"),
                "NETVSC_BPF_EXPECT_HOOK": guest.hook,
                "NETVSC_BPF_EXPECT_LIVENESS": guest.liveness,
            },
            limit_s=LIMIT_SECONDS,
            show=lambda line: print(f"  {guest.kernel:4} |", line, flush=True),
        )
        if not outcome.finished:
            said = "".join(f"  {guest.kernel:4} ! {line}" for line in outcome.console)
            print(f"vm-test: the last {len(outcome.console)} lines of the console:\n{said}", flush=True)
        return judge(guest, out, outcome.seconds, outcome.in_time)


def judge(guest: Guest, out: Path, seconds: float, in_time: bool) -> Report:
    """Read the files that the guest left. Each that is missing or not as it should be is a problem."""
    release = read(out / "kernel")
    status = read(out / "status")
    tests, skips = count(out.glob("junit-*.xml"))
    problems = []
    if not in_time:
        problems.append(f"was stopped after {LIMIT_SECONDS} s")
    elif not release:
        problems.append("did not get as far as running anything")
    elif not status:
        problems.append("ended before its tests did")
    if release and not release.startswith(f"{guest.kernel}."):
        problems.append(f"ran {release}")
    if status not in ("", "0"):
        problems.append("no test was selected" if status == "5" else f"pytest ended with status {status}")
    if bad := tests["failed"] + tests["error"]:
        problems.append(f"{bad} tests failed")
    elif not tests["passed"]:
        problems.append("no test ran")
    problems += [f"kernel: {line}" for line in read(out / "dmesg").splitlines() if KERNEL_FAULT.search(line)]
    return Report(release, seconds, tests, skips, problems)


def count(reports: Iterable[Path]) -> tuple[Counter[str], Counter[str]]:
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


def read(path: Path) -> str:
    """Return the file's text, or nothing where there is no such file."""
    try:
        return path.read_text(errors="replace").strip()
    except FileNotFoundError:
        return ""


def show(guest: Guest, report: Report) -> None:
    """Print one guest's line, its skips and its problems."""
    verdict = "FAILED" if report.problems else "passed"
    tests = ", ".join(f"{number} {word}" for word, number in sorted(report.tests.items())) or "no tests"
    release = report.release or guest.kernel
    expected = f"hook {guest.hook}, liveness {guest.liveness}"
    print(f"  {verdict}: Linux {release}, {expected}: {tests} in {report.seconds:.0f} s")
    for reason, number in report.skips.items():
        print(f"    skipped {number}: {reason}")
    for problem in report.problems:
        print(f"    {problem}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
