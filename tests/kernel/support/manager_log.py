# SPDX-License-Identifier: GPL-2.0-only
"""What `netvsc-bpf run --log-json` writes: an event a line, and whatever else comes in between."""

import json
import subprocess
import threading
from collections.abc import Iterable, Iterator
from typing import Any


def objects_in(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The JSON objects among the lines of a log."""
    return (json.loads(line) for line in lines if _is_object(line))


def following(
    process: "subprocess.Popen[str]", events: list[dict[str, Any]], noise: list[str]
) -> threading.Thread:
    """Append what a manager writes to stderr, line by line, until it ends; the thread that does so."""

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            if _is_object(line):
                events.append(json.loads(line))
            else:
                noise.append(line)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    return reader


def _is_object(line: str) -> bool:
    return line.startswith("{")
