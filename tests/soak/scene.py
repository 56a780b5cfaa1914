# SPDX-License-Identifier: GPL-2.0-only
"""A managed pair in a lab, and the manager of the moment: killed, restarted and upgraded at will."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.managed import UNDAMPED
from netvsc_bpf import datapath
from netvsc_bpf.lab.namespace import command_in
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path as DataPath
from netvsc_bpf.model.path import Reason
from tests.kernel.support import manager_log, other_version

SETTLE_MS = 200
PATIENCE_S = 120.0
"""The limit of a hang, never of speed."""


class Broken(Exception):
    """Something does not hold."""


class Scene:
    """One pair, eth0 and vf0. The events of all its managers are kept."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.events: list[dict[str, Any]] = []
        self.noise: list[str] = []
        self._undo = ExitStack()
        self._folder = Path(self._undo.enter_context(tempfile.TemporaryDirectory(prefix="netvsc-bpf-soak-")))
        (self._folder / "config.toml").write_text(UNDAMPED)
        self._version = 0
        self._environment = dict(os.environ)
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end("kill")
        self.lab.in_guest(datapath.detach_all)
        self._undo.close()

    def start(self) -> None:
        """Start a manager of the current version."""
        options = ["--any-bus", "--settle", str(SETTLE_MS), "--log-json"]
        options += ["--config", str(self._folder / "config.toml")]
        self.process = subprocess.Popen(
            [*self._program(), "--netns", self.lab.guest, "run", "eth0", *options],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = manager_log.following(self.process, self.events, self.noise)

    def end(self, how: str) -> None:
        """End the manager: `kill` as the out-of-memory killer does, `terminate` as systemd does."""
        getattr(self.process, how)()
        self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        assert self.process.stderr is not None
        self.process.stderr.close()

    def command(self, *arguments: str) -> None:
        """Run a command in the guest. Raises Broken if it fails."""
        done = subprocess.run(
            command_in(self.lab.guest, [*self._program(), *arguments]),
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Broken(f"{' '.join(arguments)} failed with {done.returncode}: {done.stderr}")

    def other_version(self) -> None:
        """Let what is started from now on be another version: its programs differ, its maps do not."""
        self._version += 1
        folder = self._folder / f"version{self._version}"
        self._environment = os.environ | other_version.installed(folder, self._version)

    def wait(self, what: str, holds: Callable[[], bool]) -> None:
        """Return once it holds. Raises Broken if the manager ends before, or it never does."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            if self.process.poll() is not None:
                raise Broken(f"the manager ended while waiting for {what}: {''.join(self.noise[-20:])}")
            if time.monotonic() > deadline:
                last = [event["text"] for event in self.events[-5:]]
                raise Broken(f"not in {PATIENCE_S:.0f} s: {what}; {self.where()}; last events: {last}")
            time.sleep(0.02)

    def wait_vf(self) -> None:
        """Return once the VF is used. Raises Broken."""
        self.wait("the VF is used", lambda: self.where() == (DataPath.VF, Reason.ARMED, "vf0"))

    def where(self) -> tuple[DataPath, Reason, str | None] | None:
        """Return the path, why, and the VF; None while nothing is attached."""
        found = self.lab.in_guest(datapath.status)
        if not found:
            return None
        (one,) = found
        return one.path, one.reason, None if one.vf is None else one.vf.name

    def _program(self) -> list[str]:
        return [sys.executable, "-P", "-m", "netvsc_bpf.cli.main"]
