# SPDX-License-Identifier: GPL-2.0-only
"""Run the tests marked ``guest`` on other kernels: a virtual machine each, over this very file system.

virtme-ng starts QEMU with Debian's kernels from the cache of scripts/vm-setup.sh and this machine's root
file system, read-only. QEMU emulates the processor (no KVM needed): a guest boots in seconds, but computes
ten times slower.

What a guest did is read from the files that it left, never from the exit code of the programs around it:
one that crashed, hung, ran another kernel, or ran no test at all has failed.

``run.py 6.12 -k s71`` runs some tests in one guest: what is not a kernel is passed to pytest.
"""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path

from devices import qemu_options

REPO = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = int(os.environ.get("NETVSC_BPF_VM_LIMIT", "1500"))
CONSOLE_LINES = 60

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
    cache = Path(
        subprocess.run(
            [REPO / "scripts/vm-setup.sh"], check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()
    )
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "netvsc_bpf", "cli", "ebpf", "tests"], cwd=REPO, check=True
    )
    reports = {guest: run(guest, cache, pytest_arguments) for guest in wanted}
    print("\nvm-test: summary")
    for guest, report in reports.items():
        show(guest, report)
    return int(any(report.problems for report in reports.values()))


def run(guest: Guest, cache: Path, pytest_arguments: list[str]) -> Report:
    """Boot one guest, let it test, and judge by what it left."""
    print(
        f"\nvm-test: booting Linux {guest.kernel}, expecting hook {guest.hook}, liveness {guest.liveness}",
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="netvsc-bpf-vm-") as folder:
        out = Path(folder)
        modules = cache / "kernels" / guest.kernel / "lib/modules"
        settings = {
            "MODULES": str(modules),
            "PYTEST_ADDOPTS": shlex.join(pytest_arguments),
            "NETVSC_BPF_GUEST_KERNEL": guest.kernel,
            "NETVSC_BPF_EXPECT_HOOK": guest.hook,
            "NETVSC_BPF_EXPECT_LIVENESS": guest.liveness,
        }
        (out / "settings").write_text(
            "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())
        )
        began = time.monotonic()
        in_time = boot(guest, cache, out)
        return judge(guest, out, time.monotonic() - began, in_time)


def boot(guest: Guest, cache: Path, out: Path) -> bool:
    """Start QEMU and wait for its end, which is enforced; return False when it had to be."""
    kernel = next((cache / "kernels" / guest.kernel / "boot").glob("vmlinuz-*"))
    # Wide vectors and five-level page tables cost an emulated processor more than they give.
    processor = "-cpu Nehalem"
    root = "-fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"
    command = [
        *(
            REPO / ".venv/bin/vng",
            "--verbose",
            "--run",
            kernel,
            "--disable-kvm",
            "--cpus",
            "2",
            "--memory",
            "3G",
        ),
        *("--rwdir", out, "--append", "mitigations=off"),
        f"--qemu-opts={processor} {root} -device virtio-9p-pci,fsdev=host,mount_tag=host"
        f" {' '.join(qemu_options())}",
        *("--", f"exec unshare --mount --propagation private {REPO}/tests/vm/guest.sh {out}"),
    ]
    # virtme-ng looks for its own parts on PATH, and keeps QEMU in the session made here: one id ends all.
    environment = os.environ | {"PATH": f"{REPO}/.venv/bin:{os.environ['PATH']}"}
    # QEMU would truncate a file that its output goes to; the console is of interest only after a crash.
    console: deque[str] = deque(maxlen=CONSOLE_LINES)
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        start_new_session=True,
    )
    reader = threading.Thread(target=console.extend, args=(process.stdout,), daemon=True)
    reader.start()
    try:
        in_time = wait(process, out / "log")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join(5)
    if not (out / "status").exists():
        print(f"vm-test: the last {len(console)} lines of the console:")
        print("".join(f"  ! {line}" for line in console), flush=True)
    return in_time


def wait(process: subprocess.Popen[str], log: Path) -> bool:
    """Show what the guest logs, as it comes, until QEMU ends; return False if it does not in time."""
    deadline = time.monotonic() + LIMIT_SECONDS
    line = ""
    log.touch()
    with log.open(errors="replace") as lines:
        while True:
            running = process.poll() is None
            for piece in lines:
                line += piece
                if line.endswith("\n"):  # else the guest is in the middle of it
                    print("  |", line, end="", flush=True)
                    line = ""
            if not running:
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.5)


def judge(guest: Guest, out: Path, seconds: float, in_time: bool) -> Report:
    """Read the files that the guest left. Each that is missing or not as it should be is a problem."""
    release = read(out / "kernel")
    status = read(out / "status")
    tests, skips = count(out / "junit.xml")
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


def count(junit: Path) -> tuple[Counter[str], Counter[str]]:
    """Return how many tests ended in which way, and the reasons of those that were skipped."""
    tests: Counter[str] = Counter()
    skips: Counter[str] = Counter()
    with contextlib.suppress(FileNotFoundError, ElementTree.ParseError):
        for case in ElementTree.parse(junit).iter("testcase"):
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
