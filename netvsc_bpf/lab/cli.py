# SPDX-License-Identifier: GPL-2.0-only
"""Running the `netvsc-bpf` command as its users do, as a process, on the guest of a lab."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from netvsc_bpf.model.errors import CannotHere, NetvscBpfError, Refused

_BETWEEN_TICKS_S = 0.1
_ERRORS: dict[int, type[NetvscBpfError]] = {Refused.exit_code: Refused, CannotHere.exit_code: CannotHere}


class Product:
    """Runs `netvsc-bpf --netns GUEST ...`; ``tick`` is called about ten times a second meanwhile."""

    def __init__(self, guest: str, tick: Callable[[], None]) -> None:
        self._guest = guest
        self._tick = tick

    def attach(self, interface: str, vf: str, settle_ms: int) -> None:
        """Attach, and wait for the VF to settle."""
        self._run("attach", interface, "--vf", vf, "--settle", str(settle_ms))

    def detach(self, interface: str) -> None:
        """Detach."""
        self._run("detach", interface)

    def status(self) -> dict[str, Any] | None:
        """Return the state of the first pair, None if nothing is attached."""
        pairs: list[dict[str, Any]] = json.loads(self._run("status", "--json"))
        return pairs[0] if pairs else None

    def _run(self, *args: str) -> str:
        """Return what the command prints.

        Raises:
            NetvscBpfError: it failed; the class matches the exit code of the command.
        """
        argv = [sys.executable, "-m", "netvsc_bpf.cli.main", "--netns", self._guest, *args]
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            while True:
                try:
                    output, errors = process.communicate(timeout=_BETWEEN_TICKS_S)
                    break
                except subprocess.TimeoutExpired:
                    self._tick()
        finally:
            process.kill()
        if process.returncode != 0:
            why = errors.strip().removeprefix("netvsc-bpf: ") or "it printed no error"
            raise _ERRORS.get(process.returncode, NetvscBpfError)(f"run {args[0]}", why)
        return output
