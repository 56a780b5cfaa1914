# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's machine protocol (QMP) from outside, with its events and the time of each."""

import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any

from vm.qmp import QmpError

PATIENCE_S = 300.0
"""How long a guest that is emulated on a busy machine may take for anything. It is the limit of a hang."""


@dataclass(frozen=True, slots=True)
class QmpEvent:
    """One event; `at` is CLOCK_MONOTONIC ns, from QEMU's own time of it."""

    name: str
    data: dict[str, Any]
    at: int


class Monitor:
    """One QEMU's monitor. A thread reads it, so that no event is missed."""

    def __init__(self, path: Path) -> None:
        """Connect and negotiate. Raises TimeoutError."""
        self._socket = connected(path)
        self._answers: Queue[dict[str, Any]] = Queue()
        self._events: list[QmpEvent] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self._answers.get(timeout=PATIENCE_S)  # QEMU greets first
        self("qmp_capabilities")

    def __call__(self, command: str, **arguments: object) -> Any:
        """Run a command and return what it returns; `_` in arguments is `-`. Raises QmpError."""
        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        return self.run(command, named)

    def run(self, command: str, arguments: dict[str, object]) -> Any:
        """Run a command whose arguments have underscores: options of a device. Raises QmpError."""
        line = json.dumps({"execute": command, "arguments": arguments})
        self._socket.sendall(line.encode() + b"\n")
        answer = self._answers.get(timeout=PATIENCE_S)
        if "error" in answer:
            raise QmpError(f"{command}: {answer['error']['desc']}")
        return answer["return"]

    def wait(self, name: str, matches: Callable[[dict[str, Any]], bool] = lambda _: True) -> QmpEvent:
        """Wait for an event, which may have come already, and return it. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._find(name, matches) is not None, PATIENCE_S):
                raise TimeoutError(f"QEMU did not report {name}")
            found = self._find(name, matches)
            assert found is not None
            return found

    def _find(self, name: str, matches: Callable[[dict[str, Any]], bool]) -> QmpEvent | None:
        return next((one for one in self._events if one.name == name and matches(one.data)), None)

    def _read(self) -> None:
        for line in self._socket.makefile("rb"):
            message = json.loads(line)
            if "event" not in message:
                self._answers.put(message)
                continue
            stamp = message["timestamp"]
            ago = time.time_ns() - stamp["seconds"] * 10**9 - stamp["microseconds"] * 1000
            event = QmpEvent(message["event"], message.get("data", {}), time.monotonic_ns() - ago)
            with self._changed:
                self._events.append(event)
                self._changed.notify_all()


def connected(path: Path) -> socket.socket:
    """Connect to a socket that QEMU creates as it starts. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            if time.monotonic() > deadline:
                raise TimeoutError(f"QEMU did not create {path}") from None
            time.sleep(0.05)
        else:
            return connection
