# SPDX-License-Identifier: GPL-2.0-only
"""The product as its user calls it: the installed command, as a process of its own."""

import subprocess
import sys
from pathlib import Path

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.errors import NetvscBpfError

REPO = Path(__file__).resolve().parents[1]
COMMAND = Path(sys.executable).with_name("netvsc-bpf")


def compile_modules(folder: Path = REPO) -> None:
    """Compile the Python modules of a checkout, as an installation does: where the environment forbids Python
    to store what it compiled, each command would compile what was changed.
    """
    for part in ("netvsc_bpf", "cli", "ebpf"):
        subprocess.run([sys.executable, "-m", "compileall", "-q", str(folder / part)], check=True)


def command_line(lab: Lab, *args: str, command: Path = COMMAND) -> list[str]:
    """Return the command line that works on the guest of ``lab``."""
    return [str(command), "--netns", lab.guest, *args]


def netvsc_bpf(lab: Lab, *args: str, command: Path = COMMAND) -> str:
    """Run the command on the guest of ``lab`` and return what it printed.

    Raises NetvscBpfError, with what it said, where it fails.
    """
    done = subprocess.run(
        command_line(lab, *args, command=command), text=True, capture_output=True, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise NetvscBpfError(
            f"netvsc-bpf {' '.join(args)}", done.stderr.strip() or f"status {done.returncode}"
        )
    return done.stdout
