# SPDX-License-Identifier: GPL-2.0-only
"""A child process that works until it is stopped.

Closing its standard input stops it. The kernel does that when the parent dies, however it dies, so no sender
outlives its reader.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from netvsc_bpf.model.errors import NetvscBpfError

_PATIENCE_S = 60.0


class Worker:
    """One module of this package, run as a program; its job is one JSON object on the command line."""

    def __init__(self, module: str, job: Mapping[str, object], fds: Sequence[int]) -> None:
        """Start it. ``fds`` are descriptors that the job names; the child has them under the same numbers."""
        self._name = module.rpartition(".")[2]
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, json.dumps(job)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=fds,
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def wait_until(self, ready: Callable[[], bool], what: str) -> None:
        """Return once ``ready()`` holds.

        Raises:
            NetvscBpfError: the worker ended first, or it took far too long.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while not ready():
            if self._process.poll() is not None:
                raise NetvscBpfError(what, f"{self._name} ended: {self._last_words()}")
            if time.monotonic() > deadline:
                raise NetvscBpfError(what, f"nothing after {_PATIENCE_S:.0f} s")
            time.sleep(0.001)

    def finish(self) -> str:
        """Stop it, wait for its end and return what it printed.

        Raises:
            NetvscBpfError: it failed, or did not end and was killed.
        """
        try:
            output, errors = self._process.communicate(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise NetvscBpfError(f"stop {self._name}", "it did not end and was killed") from None
        if self._process.returncode != 0:
            raise NetvscBpfError(f"run {self._name}", _last_line(errors))
        return output

    def kill(self) -> None:
        """Kill it. Does nothing if it has ended."""
        self._process.kill()
        self._process.communicate()

    def _last_words(self) -> str:
        return _last_line(self._process.communicate()[1])


def _last_line(errors: str) -> str:
    lines = errors.strip().splitlines()
    return lines[-1] if lines else "it printed no error"
