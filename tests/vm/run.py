# SPDX-License-Identifier: GPL-2.0-only
"""Run the tests marked ``guest`` on other kernels: a virtual machine each, over this very file system.

``python -m tests.vm.run newest -k s71`` runs some tests in one guest: what is not a kernel is for pytest.
"""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.vm.devices import HOT_SLOT, hyperv_options, qemu_options
from tests.vm.hyperv.build import built
from tests.vm.printing import log_of, print_console, print_report
from tests.vm.rtnl import holder
from tests.vm.verdict import Guest, Report, judge
from vm import machine, qmp
from vm.kernels import REPO, Kernel, kernels

_EVERY = "NETVSC_BPF_VM_EVERY" in os.environ
"""Run every test on every kernel, whatever its marks say."""
_LIMIT_S = int(os.environ.get("NETVSC_BPF_VM_LIMIT", "5400" if _EVERY else "2700"))
_BOOTS = 3
_SILENCE_S = 360
"""More than the 300 s after which tests/vm/task.sh has a test ended."""

_WITH_THE_PAIR = "tests/vm/"
"""Tests of one process: those of the true pairs."""

# 6.1 is the oldest kernel that Debian has for this Python and bcc, 6.12 the one that most people run, and the
# newest may have changed what the programs or the driver rely on. Marks: pyproject.toml.
MATRIX = (
    Guest("6.1", "clsact", "fentry", "not newest"),
    Guest("6.12", "tcx", "fentry", "every and not newest and not oldest"),
    Guest("newest", "tcx", "fentry", "not oldest"),
)


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
        expected = f"hook {guest.hook}, liveness {guest.liveness}"
        print_report(f"Linux {report.release or guest.kernel}, {expected}", report)
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
    """Boot one guest, let it test, and return a verdict; repeat it if the machine stopped by itself.

    QEMU was seen to abort, and a guest to go silent while its kernel reported timers that did not fire. What
    netvsc-bpf causes could look the same: so it is repeated only a few times, and reported.
    """
    report, earlier = boot(guest, kernel, pytest_arguments, files), []
    for number in range(1, _BOOTS):
        if not report.stopped_by_itself:
            break
        earlier += [f"boot {number}: {line}" for line in (*report.problems, *report.remarks)]
        report = boot(guest, kernel, pytest_arguments, files)
    return replace(report, remarks=[*earlier, *report.remarks])


def boot(guest: Guest, kernel: Kernel, pytest_arguments: list[str], files: list[str]) -> Report:
    """Boot one guest, let it test, and judge by what it left."""
    print(
        f"\nvm-test: booting Linux {kernel.release}, expecting hook {guest.hook}, liveness {guest.liveness}",
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="netvsc-bpf-vm-") as folder:
        out = Path(folder)
        outcome = machine.run(
            machine.Machine(
                kernel,
                ticks=True,
                devices=[*qemu_options(), *HOT_SLOT, *hyperv_options(), *qmp.qemu_options(out / "qmp")],
            ),
            REPO / "tests/vm/task.sh",
            out,
            settings={
                "PYTEST_ADDOPTS": shlex.join(pytest_arguments),
                "MARKED": "guest" if _EVERY else guest.tests,
                "PAIR": shlex.join(file for file in files if file.startswith(_WITH_THE_PAIR)),
                "LABS": shlex.join(file for file in files if not file.startswith(_WITH_THE_PAIR)),
                "NETVSC_BPF_GUEST_KERNEL": kernel.version,
                "NETVSC_BPF_GUEST_HYPERV": str(built(kernel)),
                holder.SETTING: str(holder.built(kernel)),
                "NETVSC_BPF_GUEST_UDEV": str(kernel.cache / "udev"),
                "NETVSC_BPF_EXPECT_HOOK": guest.hook,
                "NETVSC_BPF_EXPECT_LIVENESS": guest.liveness,
            },
            limit_s=_LIMIT_S,
            silence_s=_SILENCE_S,
            show=log_of(kernel.version),
        )
        print_console(kernel.version, outcome)
        return judge(kernel.version, out, outcome)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
