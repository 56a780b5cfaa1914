# SPDX-License-Identifier: GPL-2.0-only
"""``python -m tests.arm64.run``: commands and tests in emulated arm64 machines, one for each page size.

``python -m tests.arm64.run 16k tests/kernel/test_latch.py`` names one machine and tests: what is not a
machine is for pytest, and then nothing else is run.
"""

import shlex
import signal
import sys
import tempfile
from pathlib import Path

from tests.arm64.machine import INSIDE, Arm64Machine, kernels
from tests.vm.printing import log_of, print_console, print_report
from tests.vm.verdict import Report, judge
from vm import machine
from vm.kernels import Kernel

_PAGES = ("4k", "16k")
_KERNEL_TESTS = (
    "tests/kernel/test_abi.py tests/kernel/test_clsact.py tests/kernel/test_kfunc.py "
    "tests/kernel/test_latch.py tests/kernel/test_rungs.py tests/kernel/test_sentinel.py "
    "tests/kernel/counting tests/kernel/switching"
)
"""What could be another way on another architecture: layouts, latch, levels, hooks, counters."""
_UNIT_TESTS = "tests/unit"
_NOT_HERE = (
    "bench deploy migration mutation release vm test_docs.py test_examples.py test_fabrics_page.py "
    "test_guest_rows.py test_house.py test_run_parts.py test_words.py"
)
"""Unit tests of the repository, not of the product."""
_RATE = 100
"""Packets a second of the demo: what an emulated processor manages beside the compiler."""
_LIMIT_S = 3600.0
_SILENCE_S = 660.0
"""More than the 600 s after which a test is ended."""


def main(arguments: list[str]) -> int:
    """Boot the machines that are named, or both; return the exit status."""
    # So that the guest's QEMU is ended too when this process is.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("arm64-test: terminated"))
    wanted = [pages for pages in _PAGES if pages in arguments] or list(_PAGES)
    chosen = [argument for argument in arguments if argument not in _PAGES]
    available = kernels()
    reports = {pages: run(available[pages], chosen) for pages in wanted}
    print("\narm64-test: summary")
    for pages, report in reports.items():
        print_report(f"pages of {pages}, Linux {report.release}", report)
    return int(any(report.problems for report in reports.values()))


def run(kernel: Kernel, chosen: list[str]) -> Report:
    """Boot one machine, let it work, and judge by what it left."""
    print(f"\narm64-test: booting Linux {kernel.release}", flush=True)
    ignored = [f"--ignore={_UNIT_TESTS}/{name}" for name in _NOT_HERE.split()]
    with tempfile.TemporaryDirectory(prefix="netvsc-bpf-arm64-") as folder:
        out = Path(folder)
        outcome = machine.run(
            Arm64Machine(kernel),
            INSIDE / "tests/arm64/task.sh",
            out,
            settings={
                "COMMANDS": "" if chosen else "yes",
                "RATE": str(_RATE),
                "MARKED": "guest",
                "KERNEL_TESTS": shlex.join(chosen) or _KERNEL_TESTS,
                "UNIT_TESTS": "" if chosen else shlex.join([_UNIT_TESTS, *ignored]),
                "NETVSC_BPF_GUEST_KERNEL": kernel.version,
                "NETVSC_BPF_EXPECT_HOOK": "tcx",
                "NETVSC_BPF_EXPECT_LIVENESS": "fentry",
            },
            limit_s=_LIMIT_S,
            silence_s=_SILENCE_S,
            show=log_of(kernel.name),
        )
        print_console(kernel.name, outcome)
        return judge(kernel.version, out, outcome)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
