# SPDX-License-Identifier: GPL-2.0-only
"""A machine made of a root directory and namespaces, with systemd as its first process. See boot.sh."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from netvsc_bpf.lab.namespace import command_in

BOOT = Path(__file__).with_name("boot.sh")
LIMIT_S = 600
"""A limit of a hang, for the slowest machine."""


class StepFailed(Exception):
    """A step did not do what it must; the message has what it printed."""


def run_once(lower: Path, writes: Path, share: Path, script: str) -> str:
    """Run a shell script in a machine without systemd, on this machine's network; return its output."""
    unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--"]
    boot = [str(BOOT), str(lower), str(writes), str(share)]
    return checked([*unshare, *boot, "sh", "-exc", script])


def checked(command: Sequence[str], status: int = 0) -> str:
    """Run a command and return what it printed. Raises StepFailed."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    if done.returncode != status:
        raise StepFailed(f"{command[-1]}: status {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


class Machine:
    """A systemd in a network namespace, for a ``with`` block."""

    def __init__(self, lower: str, writes: Path, share: Path, namespace: str) -> None:
        self._share, self.console = share, writes / "console"
        unshare = [
            "unshare",
            "--mount",
            "--pid",
            "--ipc",
            "--uts",
            "--cgroup",
            "--fork",
            "--kill-child",
            "--",
        ]
        boot = [str(BOOT), lower, str(writes), str(share), "systemd"]
        self._command = command_in(namespace, [*unshare, *boot])

    def __enter__(self) -> Self:
        self.console.parent.mkdir(parents=True, exist_ok=True)
        with self.console.open("w") as console:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=console, stderr=console
            )
        try:
            self._pid = self._first_process()
            self.eventually("systemctl is-active bare.target")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def run(self, script: str, status: int = 0) -> str:
        """Run a shell script in the machine and return what it printed. Raises StepFailed."""
        return checked([*self._inside(), "sh", "-c", script], status)

    def eventually(self, script: str) -> None:
        """Wait until a script succeeds. Raises StepFailed."""
        deadline = time.monotonic() + LIMIT_S / 4
        while True:
            try:
                self.run(script)
                return
            except StepFailed:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
            time.sleep(0.2)

    def _inside(self) -> list[str]:
        names = ("--mount", "--pid", "--ipc", "--uts", "--cgroup", "--net")
        environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"]
        return [
            "nsenter",
            f"--target={self._pid}",
            *names,
            "--",
            *environment,
            "DEBIAN_FRONTEND=noninteractive",
        ]

    def _first_process(self) -> int:
        """Return the pid, here, of the machine's first process: the child of unshare."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        deadline = time.monotonic() + LIMIT_S / 10
        while time.monotonic() < deadline and self._process.poll() is None:
            for pid in children.read_text().split():
                if Path(f"/proc/{pid}/comm").read_text().strip() == "systemd":
                    return int(pid)
            time.sleep(0.05)
        raise StepFailed(f"systemd did not start:\n{self.console.read_text()[-4000:]}")
