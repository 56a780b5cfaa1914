# SPDX-License-Identifier: GPL-2.0-only
"""`netvsc-bpf capture` while it runs, and frames that can be identified."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from netvsc_bpf.lab.topology import Lab
from tests.kernel.support.frames import GUEST_MAC, ethernet, send
from tests.kernel.support.waiting import eventually
from tests.unit.capture.pcapng_reader import read

FAR = b"\x02\x00\x00\x00\x00\x77"
EACH = 50
Seen = tuple[str, bool, bytes]
"""Interface, outgoing, content of the frame."""


class Capturing:
    """`netvsc-bpf capture eth0 ...` while it runs."""

    def __init__(self, lab: Lab, *options: str, stdout: int = subprocess.DEVNULL) -> None:
        command = [sys.executable, "-m", "netvsc_bpf.cli.main", "--netns", lab.guest, "capture", "eth0"]
        self.process = subprocess.Popen(
            [*command, *options], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE
        )
        assert self.process.stderr is not None
        os.set_blocking(self.process.stderr.fileno(), False)
        self.said = ""

    def listens(self, times: int) -> None:
        """Wait until it has said so often that it listens to something new."""

        def heard() -> bool:
            assert self.process.stderr is not None and self.process.poll() is None, self.said
            self.said += (self.process.stderr.read() or b"").decode()
            return self.said.count("listening") >= times

        eventually(f"{times} times: listening", heard)

    def end(self) -> str:
        """Ctrl-C; return what it printed."""
        self.process.send_signal(signal.SIGINT)
        return self.wait(130)

    def wait(self, status: int = 0) -> str:
        out, err = self.process.communicate(timeout=60)
        self.said += err.decode()
        assert self.process.returncode == status, self.said
        return (out or b"").decode()


@contextmanager
def capturing(lab: Lab, *options: str, stdout: int = subprocess.DEVNULL) -> Iterator[Capturing]:
    running = Capturing(lab, *options, stdout=stdout)
    try:
        running.listens(1)
        yield running
    finally:
        running.process.kill()
        running.process.wait()
        assert running.process.stderr is not None
        running.process.stderr.close()


class Numbered:
    """Sends frames that can be identified, and knows where each of them must turn up."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.expected: list[Seen] = []

    def out(self, interface: str) -> None:
        """From the guest; ``interface`` is where they have to leave."""
        payloads = self._payloads(interface, True)
        frames = [ethernet(FAR, one, source=GUEST_MAC) for one in payloads]
        send(self._lab.guest, "eth0", *frames)

    def come_in(self, port: str, interface: str) -> None:
        """From the far end of one of the guest's devices."""
        send(self._lab.fabric, port, *[ethernet(GUEST_MAC, one) for one in self._payloads(interface, False)])

    def _payloads(self, interface: str, outgoing: bool) -> list[bytes]:
        first = len(self.expected)
        payloads = [b"numbered-%06d" % number + bytes(40) for number in range(first, first + EACH)]
        self.expected += [(interface, outgoing, one) for one in payloads]
        return payloads


def numbered(content: bytes) -> list[Seen]:
    """The numbered frames of a file, in its order."""
    found = read(content)
    assert sum(dropped for _, dropped in found.statistics.values()) == 0
    return [
        (one.interface, one.outgoing, one.data[14:])
        for one in found.packets
        if one.data[14:].startswith(b"numbered-")
    ]
