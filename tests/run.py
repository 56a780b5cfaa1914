# SPDX-License-Identifier: GPL-2.0-only
"""``python -m tests.run``: all tests of this kernel, as three pytest processes side by side.

Most of the time a test waits for a settle time, a timer or a process that starts: three take little more than
a third as long as one. Each has a sandbox of its own (netvsc_bpf.lab.sandbox), as three checkouts would have.

Arguments are passed to all. The exit status is that of pytest, the worst of the three.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

REPO = Path(__file__).parents[1]
_TESTS = ("tests/unit", "tests/kernel")
_MANAGER = "tests/kernel/manager"
_LIFECYCLE = "tests/kernel/lifecycle"
_METRICS = ("tests/kernel/metrics", "tests/kernel/switching")


def _parts() -> Mapping[str, Sequence[str]]:
    """Return the arguments of each process: a third of the tests, by the time that they take."""
    files = sorted(str(path.relative_to(REPO)) for path in (REPO / _MANAGER).glob("test_*.py"))
    middle = len(files) // 2
    ignored = (_MANAGER, _LIFECYCLE, *_METRICS)
    return {
        "manager": (*files[:middle], _LIFECYCLE),
        "moves": (*files[middle:], f"{_MANAGER}/moves", *_METRICS),
        "others": (*_TESTS, *(f"--ignore={folder}" for folder in ignored)),
    }


PARTS = _parts()


class Part:
    """One pytest process, whose output is shown line by line under its name."""

    def __init__(self, name: str, arguments: Sequence[str]) -> None:
        self.name = name
        self.verdict = "printed nothing"
        # A child in another process group would not hear the terminal's Ctrl-C.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "--reruns", "1", "--rerun-show-tracebacks", *arguments],
            cwd=REPO,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._show, daemon=True)
        self._reader.start()

    def _show(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            print(f"{self.name:7} | {line}", end="", flush=True)
            self.verdict = line.strip(" =\n") or self.verdict

    def wait(self) -> int:
        """Return its exit status once it has ended and all that it printed is shown."""
        status = self.process.wait()
        self._reader.join()
        return status


def main(arguments: Sequence[str]) -> int:
    """Run all, show what they print, and return the worst exit status."""
    parts = [Part(name, [*arguments, *own]) for name, own in PARTS.items()]

    def interrupt(number: int, frame: FrameType | None) -> None:
        for part in parts:
            if number == signal.SIGTERM and part.process.poll() is None:
                part.process.send_signal(signal.SIGINT)

    # pytest's processes hear Ctrl-C themselves, and end in their own time.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    statuses = [part.wait() for part in parts]
    print("\ntest: summary")
    for part, status in zip(parts, statuses, strict=True):
        print(f"  {part.name}: {part.verdict}" + (f" (exit status {status})" if status else ""))
    return max(map(abs, statuses))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
