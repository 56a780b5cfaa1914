# SPDX-License-Identifier: GPL-2.0-only
"""The receiver of a numbered stream, as a process: `python -m netvsc_bpf.lab.udp_receive JOB`.

The kernel timestamps a packet's arrival (SO_TIMESTAMPNS), so that a receiver that waits for a CPU does not
look like an outage of the network.
"""

import json
import socket
import struct
import sys
import time
from dataclasses import dataclass
from threading import Event

from netvsc_bpf.lab.namespace import enter
from netvsc_bpf.lab.parent_death import until_stdin_closes
from netvsc_bpf.lab.recvmmsg import Inbox
from netvsc_bpf.lab.stream_log import Counter, Ledger
from netvsc_bpf.lab.udp_send import GREETING, PAYLOAD

# Numbers of <asm-generic/socket.h> that Python's socket module does not name.
_SO_RCVBUFFORCE = 33
_SO_MEMINFO = 55
_SK_MEMINFO_DROPS = 8
_MEMINFO = struct.Struct("=9I")
_TIMEVAL = struct.Struct("=qq")
_IDLE_US = 20_000
_PAUSE_S = 0.001
"""Wait for several packets at once: the kernel timestamps them, so one wake-up for each is not needed."""
_LOOK_AFTER = 1024
"""Packets between two checks of clocks and drops."""


@dataclass(frozen=True, slots=True)
class ReceiveJob:
    """Where to listen; ``buffer`` is the size of the socket's buffer in bytes."""

    namespace: str
    ledger_fd: int
    address: str
    buffer: int


def main(job: ReceiveJob) -> None:
    """Listen, publish the port, and record until stopped; packets that have arrived by then still count."""
    enter(job.namespace)
    stopping = until_stdin_closes()
    ledger = Ledger(job.ledger_fd)
    with socket.socket(socket.AF_INET6 if ":" in job.address else socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, job.buffer)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL.pack(0, _IDLE_US))
        link.bind((job.address, 0))
        ledger.counters[Counter.PORT] = link.getsockname()[1]
        _receive(link, ledger, stopping)


def _receive(link: socket.socket, ledger: Ledger, stopping: Event) -> None:
    inbox = Inbox(link, PAYLOAD.size)
    offset = _realtime_offset_ns()
    until_look = _LOOK_AFTER
    while True:
        try:
            found = inbox.read()
        except BlockingIOError:
            # Nothing arrived for a while, so nothing is queued: only here it is safe to stop.
            offset = _look_around(link, ledger)
            if stopping.is_set():
                return
            continue
        for begin, size, arrived_ns in found:
            whole = size == PAYLOAD.size
            number = PAYLOAD.unpack_from(inbox.payloads, begin)[0] if whole else ledger.capacity
            _record(ledger, number, arrived_ns - offset)
        until_look -= len(found)
        if until_look <= 0:
            until_look = _LOOK_AFTER
            offset = _look_around(link, ledger)
        time.sleep(_PAUSE_S)


def _record(ledger: Ledger, number: int, arrived_ns: int) -> None:
    if number == GREETING:
        ledger.counters[Counter.MET] = 1
    elif number >= ledger.capacity:
        ledger.counters[Counter.FOREIGN] += 1
    elif copies := ledger.copies[number]:
        ledger.copies[number] = min(copies + 1, 255)
        ledger.counters[Counter.DUPLICATES] += 1
    else:
        ledger.copies[number] = 1
        ledger.arrived_ns[number] = arrived_ns
        ledger.counters[Counter.RECEIVED] += 1


def _look_around(link: socket.socket, ledger: Ledger) -> int:
    info = _MEMINFO.unpack(link.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))
    ledger.counters[Counter.DROPS] = info[_SK_MEMINFO_DROPS]
    return _realtime_offset_ns()


def _realtime_offset_ns() -> int:
    # The kernel's timestamps are CLOCK_REALTIME, which may be set meanwhile: hence read repeatedly.
    return time.time_ns() - time.monotonic_ns()


if __name__ == "__main__":
    main(ReceiveJob(**json.loads(sys.argv[1])))
