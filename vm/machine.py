# SPDX-License-Identifier: GPL-2.0-only
"""Booting one virtual machine and waiting for what it leaves.

virtme-ng starts QEMU with a kernel and this machine's root file system, read-only. QEMU emulates the
processor (no KVM needed): a guest boots in seconds, but computes ten times slower.

What a guest did is read from the files that it left in a folder that it shares with us, never from the exit
code of the programs around it.
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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vm.kernels import REPO, Kernel

_CONSOLE_LINES = 60
_LOOK_S = 0.5

# virtme-ng makes a serial bus of 31 ports for each of its streams, and QEMU's main loop waits for all their
# queues, 450 descriptors, at each of its turns: a sixth of all CPU time. Without KVM a doorbell that rings
# in that loop spares nothing either.
_FEW_DESCRIPTORS = (
    *("-global", "virtio-serial-pci.max_ports=2"),
    *("-global", "virtio-serial-pci.ioeventfd=off"),
    *("-global", "virtio-9p-pci.ioeventfd=off"),
)


@dataclass(frozen=True, slots=True)
class Machine:
    """A virtual machine. `devices` are further options of QEMU, a word each."""

    kernel: Kernel
    cpus: int = 2
    memory: str = "3G"
    devices: Sequence[str] = ()
    counts_instructions: bool = False
    """A nanosecond of the guest's time is one instruction (-icount shift=0): takes a single processor."""

    def command(self, out: Path) -> list[str | Path]:
        """Return the command line that boots it, runs guest.sh and switches it off."""
        # Wide vectors and five-level page tables cost an emulated processor more than they give.
        options = ["-cpu", "Nehalem"]
        options += _FEW_DESCRIPTORS
        options += ["-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"]
        options += ["-device", "virtio-9p-pci,fsdev=host,mount_tag=host", *self.devices]
        if self.counts_instructions:
            options += ["-icount", "shift=0,sleep=off"]
        return [
            *(REPO / ".venv/bin/vng", "--verbose", "--run", self.kernel.image, "--disable-kvm"),
            *("--cpus", str(self.cpus), "--memory", self.memory, "--rwdir", out),
            *("--append", "mitigations=off", f"--qemu-opts={' '.join(options)}"),
            *("--", f"exec unshare --mount --propagation private {REPO}/vm/guest.sh {out}"),
        ]


class Ending(enum.Enum):
    """How a run ended."""

    FINISHED = "finished"
    """The task ended by itself, well or not, and the machine after it: its status is in the file `status`."""
    OFF = "off"
    """QEMU was gone before the task had ended: it crashed, or the guest's kernel did."""
    SILENT = "silent"
    """It logged nothing for too long, and was ended."""
    LATE = "late"
    """It logged to the last, and was ended when its time was up."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run."""

    ending: Ending
    seconds: float
    console: tuple[str, ...]
    """The last lines of the console: of interest where it did not finish."""


def run(
    machine: Machine,
    task: Path,
    out: Path,
    *,
    settings: Mapping[str, str],
    limit_s: float,
    silence_s: float = math.inf,
    show: Callable[[str], None],
) -> Outcome:
    """Boot, let the guest run the shell script `task`, and wait for its end, which is enforced.

    It is enforced early where the task logs nothing for `silence_s` seconds: a guest that hangs hangs for
    ever.

    The task stands in the repository, finds `settings` and OUT in its environment, and what it prints is
    shown line by line as it comes.
    """
    values = {"TASK": str(task), "MODULES": str(machine.kernel.modules), **settings}
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in values.items()]
    (out / "settings").write_text("".join(lines))
    began = time.monotonic()
    # virtme-ng looks for its own parts on PATH, and keeps QEMU in the session made here: one id ends all.
    environment = os.environ | {"PATH": f"{REPO}/.venv/bin:{os.environ['PATH']}"}
    # QEMU would truncate a file that its output goes to; the console is of interest only after a crash.
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
        ending = watch(process, out / "log", limit_s, silence_s, show)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join(5)
    if ending is Ending.OFF and (out / "status").exists():
        ending = Ending.FINISHED
    return Outcome(ending, time.monotonic() - began, tuple(console))


def watch(
    process: subprocess.Popen[str], log: Path, limit_s: float, silence_s: float, show: Callable[[str], None]
) -> Ending:
    """Show what is logged, as it comes, until the process ends or has to be ended; say which."""
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
            if now - heard > silence_s:
                return Ending.SILENT
            if now - began > limit_s:
                return Ending.LATE
            time.sleep(_LOOK_S)
