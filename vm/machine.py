# SPDX-License-Identifier: GPL-2.0-only
"""Booting one virtual machine and waiting for its results.

virtme-ng starts QEMU with a kernel and this machine's root file system, read-only. QEMU emulates the
processor (no KVM needed): a guest boots in seconds, but computes ten times slower.

The results of a guest are the files in a directory that it shares with the host, never the exit codes of
virtme-ng or QEMU.
"""

import contextlib
import enum
import math
import os
import shlex
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vm.kernels import REPO, Kernel

_CONSOLE_LINES = 200
_LOOK_S = 0.5
_LOST_TIMER = "Possible timer handling issue on cpu="
"""What RCU says where a processor's timer does not fire any more (rcu_check_gp_kthread_expired_fqs_timer(),
kernel/rcu/tree_stall.h): seen on an emulator that shares its processors with others. Nothing goes on then."""
STUCK_S = 60.0
"""How long such a guest may log nothing: it could recover."""

# virtme-ng creates a serial bus of 31 ports for each of its streams, and QEMU's main loop polls all their
# queues, 450 descriptors, in each iteration: a sixth of all CPU time. Without KVM ioeventfd has no benefit
# either.
_FEW_DESCRIPTORS = (
    *("-global", "virtio-serial-pci.max_ports=2"),
    *("-global", "virtio-serial-pci.ioeventfd=off"),
    *("-global", "virtio-9p-pci.ioeventfd=off"),
)


_PERIODIC = ("nohz=off", "highres=off")
_TELLING = ("sysctl.kernel.hung_task_all_cpu_backtrace=1",)
"""A guest whose tasks wait for a lock for two minutes shows what runs meanwhile, and may hold it."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A virtual machine. `devices` are additional options of QEMU, one word each."""

    kernel: Kernel
    cpus: int = 2
    memory: str = "3G"
    devices: Sequence[str] = ()
    ticks: bool = False
    """Processors have a periodic timer. One that is set for each event gets lost on a busy machine, so that
    RCU, and RTNL with it, stand still: seen on 6.12 now and then, on 7.2 in each long run."""
    counts_instructions: bool = False
    """A nanosecond of the guest's time is one instruction (-icount shift=0): needs a single processor."""

    def command(self, out: Path) -> list[str | Path]:
        """Return the command line that boots it, runs guest.sh and switches it off."""
        # Emulating wide vectors and five-level page tables costs more than they gain.
        options = ["-cpu", "Nehalem"]
        options += _FEW_DESCRIPTORS
        options += ["-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"]
        options += ["-device", "virtio-9p-pci,fsdev=host,mount_tag=host", *self.devices]
        kernel_options = ["mitigations=off", *_TELLING, *(_PERIODIC if self.ticks else ())]
        if self.counts_instructions:
            options += ["-icount", "shift=0,sleep=off"]
        return [
            *(REPO / ".venv/bin/vng", "--verbose", "--run", self.kernel.image, "--disable-kvm"),
            *("--cpus", str(self.cpus), "--memory", self.memory, "--rwdir", out),
            *("--append", " ".join(kernel_options), f"--qemu-opts={' '.join(options)}"),
            *("--", f"exec unshare --mount --propagation private {REPO}/vm/guest.sh {out}"),
        ]


class Bootable(Protocol):
    """What can be booted: this module's machine, or one of another architecture."""

    @property
    def kernel(self) -> Kernel:
        """Its kernel."""

    def command(self, out: Path) -> list[str | Path]:
        """Return the command line that boots it, runs the task of `out`'s settings and switches it off."""


class Ending(enum.Enum):
    """How a run ended."""

    FINISHED = "finished"
    """The task ended, successfully or not, and then the machine: its status is in the file `status`."""
    OFF = "off"
    """QEMU ended before the task: it crashed, or the guest's kernel did."""
    SILENT = "silent"
    """It logged nothing for too long and was ended."""
    LATE = "late"
    """It kept logging and was ended at its time limit."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run."""

    ending: Ending
    seconds: float
    console: tuple[str, ...]
    """The last lines of the console: useful if it did not finish."""


def run(
    machine: Bootable,
    task: Path,
    out: Path,
    *,
    settings: Mapping[str, str],
    limit_s: float,
    silence_s: float = math.inf,
    show: Callable[[str], None],
) -> Outcome:
    """Boot, let the guest run the shell script `task`, and wait for its end, with a time limit.

    It is ended early if the task logs nothing for `silence_s` seconds: a guest that hangs does not
    recover.

    The task is a file of the repository, gets `settings` and OUT in its environment, and its output is
    shown line by line as it arrives.
    """
    values = {"TASK": str(task), "MODULES": str(machine.kernel.modules), **settings}
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in values.items()]
    (out / "settings").write_text("".join(lines))
    began = time.monotonic()
    # virtme-ng finds its own programs on PATH, and QEMU stays in the session created here: one id ends all.
    environment = os.environ | {"PATH": f"{REPO}/.venv/bin:{os.environ['PATH']}"}
    # QEMU would truncate a file given as its output; the console is needed only after a crash.
    console: deque[str] = deque(maxlen=_CONSOLE_LINES)
    process = subprocess.Popen(
        machine.command(out),
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
        ending = watch(process, out / "log", limit_s, silence_s, show, console)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join(5)
    if ending is Ending.OFF and (out / "status").exists():
        ending = Ending.FINISHED
    return Outcome(ending, time.monotonic() - began, tuple(console))


def lost_timer(console: Iterable[str]) -> bool:
    """Return whether a guest's kernel says that the timer of a processor does not fire any more."""
    return any(_LOST_TIMER in line for line in console)


def watch(
    process: subprocess.Popen[str],
    log: Path,
    limit_s: float,
    silence_s: float,
    show: Callable[[str], None],
    console: Iterable[str] = (),
) -> Ending:
    """Show the log as it is written, until the process ends or has to be ended; return which.

    A silence of STUCK_S is enough if the console says that a timer was lost.
    """
    line = ""
    heard = began = time.monotonic()
    log.touch()
    with log.open(errors="replace") as lines:
        while True:
            running = process.poll() is None
            for piece in lines:
                heard = time.monotonic()
                line += piece
                if line.endswith("\n"):  # else the guest is in the middle of it
                    show(line.rstrip("\n"))
                    line = ""
            if not running:
                return Ending.OFF
            now = time.monotonic()
            silent = now - heard
            if silent > silence_s or (silent > STUCK_S and lost_timer(tuple(console))):
                return Ending.SILENT
            if now - began > limit_s:
                return Ending.LATE
            time.sleep(_LOOK_S)
