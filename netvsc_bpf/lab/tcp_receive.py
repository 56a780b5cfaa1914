# SPDX-License-Identifier: GPL-2.0-only
"""The receiving end of a TCP stream, as a process: `python -m netvsc_bpf.lab.tcp_receive JOB`.

Prints one JSON object when the stream has ended: a TcpReceived.
"""

import json
import socket
import struct
import sys
import time
from dataclasses import asdict, dataclass
from threading import Event

from netvsc_bpf.lab.namespace import enter
from netvsc_bpf.lab.parent_death import until_stdin_closes
from netvsc_bpf.lab.stream_log import Counter, Ledger
from netvsc_bpf.lab.tcp_pattern import CHUNK, Pattern

_TIMEVAL = struct.Struct("=qq")
_IDLE_US = 50_000
_LAST_WAIT_S = 10.0
"""How long to wait for the end of the stream once stopped: retransmissions may be under way."""


@dataclass(frozen=True, slots=True)
class TcpReceiveJob:
    """Where to listen."""

    namespace: str
    ledger_fd: int
    address: str


@dataclass(frozen=True, slots=True)
class TcpReceived:
    """What arrived. Times are seconds, counted from the first byte."""

    size: int
    wrong_at: int | None
    """Offset of the first wrong chunk."""
    ended: bool
    """The end of the stream arrived: nothing is missing at the tail."""
    longest_stall_s: float
    duration_s: float


def main(job: TcpReceiveJob) -> TcpReceived:
    """Listen, take one connection and read it to its end."""
    enter(job.namespace)
    stopping = until_stdin_closes()
    ledger = Ledger(job.ledger_fd)
    family = socket.AF_INET6 if ":" in job.address else socket.AF_INET
    with socket.create_server((job.address, 0), family=family) as listener:
        ledger.counters[Counter.PORT] = listener.getsockname()[1]
        link, _ = listener.accept()
    with link:
        ledger.counters[Counter.MET] = 1
        return _receive(link, ledger, stopping)


def _receive(link: socket.socket, ledger: Ledger, stopping: Event) -> TcpReceived:
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL.pack(0, _IDLE_US))
    pattern = Pattern()
    offset, wrong_at, stall = 0, None, 0.0
    began = last = time.monotonic()
    while True:
        try:
            data = link.recv(CHUNK)
        except BlockingIOError:
            if stopping.is_set() and time.monotonic() - last > _LAST_WAIT_S:
                return TcpReceived(offset, wrong_at, False, time.monotonic() - last, last - began)
            continue
        now = time.monotonic()
        if not offset:
            began = last = now
        stall = max(stall, now - last)
        last = now
        if not data:
            return TcpReceived(offset, wrong_at, True, stall, last - began)
        if wrong_at is None and not pattern.fits(data, offset):
            wrong_at = offset
        offset += len(data)
        ledger.counters[Counter.RECEIVED] = offset


if __name__ == "__main__":
    print(json.dumps(asdict(main(TcpReceiveJob(**json.loads(sys.argv[1]))))))
