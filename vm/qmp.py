# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's machine protocol (QMP) as a serial port inside the guest, so that a guest controls its own host.

QEMU connects a port of the guest to its own monitor. So a program in the guest plugs devices in and out as a
host would, and knows exactly when it did.
"""

import json
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

_PORT = "qmp"


class QmpError(RuntimeError):
    """QEMU refused a command."""


def qemu_options(socket: Path) -> list[str]:
    """Return the options for the guest's port; ``socket`` is a path on the host for QEMU itself."""
    return [
        f"-chardev socket,id=qmp-host,path={socket},server=on,wait=off",
        "-mon chardev=qmp-host,mode=control",
        f"-chardev socket,id=qmp-guest,path={socket}",
        "-device virtio-serial-pci,id=qmp-bus",
        f"-device virtserialport,bus=qmp-bus.0,chardev=qmp-guest,name={_PORT}",
    ]


class Qmp:
    """The guest's end. One command at a time; events that arrive in between are dropped."""

    def __init__(self) -> None:
        """Open the port and negotiate. Raises FileNotFoundError if the machine has none."""
        self._stream = cast(BinaryIO, _device().open("r+b", buffering=0))
        self._read()  # QEMU greets first
        self("qmp_capabilities")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def __call__(self, command: str, **arguments: object) -> Any:
        """Run a command (docs/interop/qemu-qmp-ref in QEMU) and return what it returns. Raises QmpError."""
        self._stream.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = self._read()
            if "error" in answer:
                raise QmpError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def _read(self) -> dict[str, Any]:
        line = b""
        while not line.endswith(b"\n"):
            line += self._stream.read(1)
        answer: dict[str, Any] = json.loads(line)
        return answer


def _device() -> Path:
    for name in Path("/sys/class/virtio-ports").glob("*/name"):
        if name.read_text().strip() == _PORT:
            return Path("/dev", name.parent.name)
    raise FileNotFoundError("this machine has no QMP port")
