# SPDX-License-Identifier: GPL-2.0-only
"""The sending end of a TCP stream, as a process: `python -m netvsc_bpf.lab.tcp_send JOB`."""

import json
import socket
import sys
import time
from dataclasses import dataclass
from threading import Event

from netvsc_bpf.lab.namespace import enter
from netvsc_bpf.lab.parent_death import until_stdin_closes
from netvsc_bpf.lab.stream_log import Counter, Ledger
from netvsc_bpf.lab.tcp_pattern import CHUNK, Pattern

_PACE_S = 0.005


@dataclass(frozen=True, slots=True)
class TcpSendJob:
    """Where to send, and how many bytes a second (0: unlimited)."""

    namespace: str
    ledger_fd: int
    address: str
    port: int
    rate: int


def main(job: TcpSendJob) -> None:
    """Connect, send the pattern until stopped, and close in good order."""
    enter(job.namespace)
    stopping = until_stdin_closes()
    ledger = Ledger(job.ledger_fd)
    with socket.create_connection((job.address, job.port)) as link:
        _send(link, ledger, job.rate, stopping)
        link.shutdown(socket.SHUT_WR)


def _send(link: socket.socket, ledger: Ledger, rate: int, stopping: Event) -> None:
    pattern = Pattern()
    size = min(CHUNK, max(1, int(rate * _PACE_S))) if rate else CHUNK
    offset = 0
    begin = time.monotonic()
    while not stopping.is_set():
        if rate and (early := begin + offset / rate - time.monotonic()) > 0:
            stopping.wait(early)
            continue
        offset += link.send(pattern.at(offset, size))
        ledger.counters[Counter.SENT] = offset


if __name__ == "__main__":
    main(TcpSendJob(**json.loads(sys.argv[1])))
