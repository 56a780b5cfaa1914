# SPDX-License-Identifier: GPL-2.0-only
"""The sender of a numbered stream, as a process: `python -m netvsc_bpf.lab.udp_send JOB`.

A payload is the packet's number and the time it was sent, 8 bytes each, network order, and padding.
"""

import ctypes
import json
import socket
import struct
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from threading import Event

from netvsc_bpf.lab.namespace import enter
from netvsc_bpf.lab.parent_death import until_stdin_closes
from netvsc_bpf.lab.stream_log import Counter, Ledger

PAYLOAD = struct.Struct("!QQ")
GREETING = 2**64 - 1
"""The number of the packets that only establish the path, and are not counted."""
_PR_SET_TIMERSLACK = 29
_SHORTEST_SLEEP_NS = 500_000
# A sender that was not scheduled for a while must not catch up at once: the burst would overflow queues on
# the way, and look like loss.
_LONGEST_BURST_NS = 2_000_000


@dataclass(frozen=True, slots=True)
class SendJob:
    """What to send: ``rate`` packets a second with ``size`` bytes of payload, until stopped or full."""

    namespace: str
    ledger_fd: int
    address: str
    port: int
    rate: int
    size: int


def main(job: SendJob) -> None:
    """Send greetings until the receiver has got one, then send numbers at the wanted rate."""
    enter(job.namespace)
    stopping = until_stdin_closes()
    ledger = Ledger(job.ledger_fd)
    # By default the kernel may extend a sleep by 50 microseconds (timer slack).
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(1), 0, 0, 0)
    with socket.socket(socket.AF_INET6 if ":" in job.address else socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.connect((job.address, job.port))
        _greet(link, ledger, stopping)
        _send_numbers(link, ledger, job, stopping)


def _greet(link: socket.socket, ledger: Ledger, stopping: Event) -> None:
    # The path is established (ARP, the switch's learning) before anything is counted.
    while not ledger.counters[Counter.MET] and not stopping.is_set():
        # Not reachable yet is not an error: the reader's timeout decides how long that may last.
        with suppress(OSError):
            link.send(PAYLOAD.pack(GREETING, time.monotonic_ns()))
        stopping.wait(0.005)


def _send_numbers(link: socket.socket, ledger: Ledger, job: SendJob, stopping: Event) -> None:
    burst = max(1, job.rate * _LONGEST_BURST_NS // 1_000_000_000)
    payload = bytearray(max(job.size, PAYLOAD.size))
    number = 0
    begin = time.monotonic_ns()
    begin_number = 0
    while number < ledger.capacity and not stopping.is_set():
        now = time.monotonic_ns()
        due = (now - begin) * job.rate // 1_000_000_000 + 1 - (number - begin_number)
        if due <= 0:
            _sleep_until(begin + (number - begin_number) * 1_000_000_000 // job.rate, now)
            continue
        if due > burst:
            due, begin, begin_number = 1, now, number
        end = min(number + due, ledger.capacity)
        while number < end:
            _send_one(link, ledger, payload, number)
            number += 1
        ledger.counters[Counter.SENT] = number


def _send_one(link: socket.socket, ledger: Ledger, payload: bytearray, number: int) -> None:
    now = time.monotonic_ns()
    ledger.sent_ns[number] = now
    PAYLOAD.pack_into(payload, 0, number, now)
    try:
        link.send(payload)
    except OSError:
        ledger.counters[Counter.REFUSED] += 1


def _sleep_until(due_ns: int, now_ns: int) -> None:
    # Shorter sleeps cost more than they gain; at high rates several packets are sent at each wake-up.
    time.sleep(max(due_ns - now_ns, _SHORTEST_SLEEP_NS) / 1e9)


if __name__ == "__main__":
    main(SendJob(**json.loads(sys.argv[1])))
