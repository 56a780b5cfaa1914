# SPDX-License-Identifier: GPL-2.0-only
"""Runs shell commands that the host sends by the second serial port, as lines of JSON.

Runs in the guest, where nothing of this project can be imported. A request has `id` and `command`, and
`output`, a file, if it is to go on in the background; the answer has `id`, `status` and `text`, or `pid`.
"""

import json
import os
import subprocess
import tty
from pathlib import Path

PORT = "/dev/ttyS1"


def answer(port: int, values: dict[str, object]) -> None:
    """Send one line. The kernel may accept a part of it at a time."""
    line = json.dumps(values).encode() + b"\n"
    while line:
        line = line[os.write(port, line) :]


def run(request: dict[str, str]) -> dict[str, object]:
    """Run a command, in the background if it has a file for its output."""
    shell = ["/bin/bash", "-c", request["command"]]
    if "output" in request:
        with Path(request["output"]).open("ab") as output:
            process = subprocess.Popen(
                shell, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        return {"pid": process.pid}
    done = subprocess.run(
        shell, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return {"status": done.returncode, "text": done.stdout.decode(errors="replace")}


def main() -> None:
    """Answer until the port ends."""
    port = os.open(PORT, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(port)
    answer(port, {"id": 0, "status": 0, "text": "ready"})
    waiting = b""
    while received := os.read(port, 4096):
        waiting += received
        *lines, waiting = waiting.split(b"\n")
        for line in lines:
            request = json.loads(line)
            answer(port, {"id": request["id"], **run(request)})


main()
