# SPDX-License-Identifier: GPL-2.0-only
"""Runs a module of bench/guest in a guest and returns what it wrote."""

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netvsc_bpf.model.errors import NetvscBpfError
from vm import machine
from vm.kernels import REPO

_LINES = 3
"""Of the console, for errors."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known once the guest has ended, or was ended at its time limit."""

    result: Any
    """What it wrote last; None: nothing."""
    finished: bool
    console: str
    """The last lines of the console."""

    def required(self, kernel: str) -> Any:
        """Return the result. Raises NetvscBpfError if there is none."""
        if self.result is None:
            raise NetvscBpfError(f"measure on Linux {kernel}", f"the guest left no result: {self.console}")
        return self.result


def run_in_guest(
    make: Callable[[Path], machine.Machine],
    bench: str,
    modules: str,
    limit_s: float,
    settings: dict[str, str],
) -> Measured:
    """Boot a guest and let it measure.

    `make` gets the directory that the guest shares with this machine; `bench` is the module's name in
    bench/guest, and `modules` are those of the kernel that it needs.
    """
    with tempfile.TemporaryDirectory(prefix="netvsc-bpf-bench-") as folder:
        out = Path(folder)
        outcome = machine.run(
            make(out),
            REPO / "bench/guest/task.sh",
            out,
            settings={"BENCH": f"bench.guest.{bench}", "MODULES_WANTED": modules, **settings},
            limit_s=limit_s,
            show=lambda line: print("  |", line, file=sys.stderr, flush=True),
        )
        written = out / "result.json"
        result = json.loads(written.read_text()) if written.exists() else None
        finished = outcome.ending is machine.Ending.FINISHED
        return Measured(result, finished, " / ".join(outcome.console[-_LINES:]))
