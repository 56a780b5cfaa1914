# SPDX-License-Identifier: GPL-2.0-only
"""One TCP stream into the guest's NIC, both ends in this guest: a namespace `far` sends, we receive.

The sender makes frames of MTU size (no TSO), so that what arrives is what a wire brings; the VF aggregates
them where it has GRO. The figure holds both ends' work; the sender's is the same for every arrangement.

Bursts, each read when it is whole, and only then the next: one processor runs both ends, and where they ran
freely, it was chance whether frames came to a reader that held its socket. They are merged there for less
(tcp_add_backlog()) and acknowledged by the dozen instead of by two, which is half an instruction a byte and
more, for every arrangement.
"""

import multiprocessing
import socket
import time
from pathlib import Path

from netvsc_bpf.lab.namespace import call_in

_SEGMENT = 1448
"""Bytes of a full one: MTU 1500 less the headers of IPv4 and TCP with timestamps."""
_BURST = 44 * _SEGMENT
"""One packet of the sender's TCP, which its device cuts up: they come as a wire's do, many to a poll."""
_FIRST = 50
"""Bursts until the sender's window is open."""
_BURSTS = 800
_PORT = 5001
_PATIENCE_S = 30.0


def receive(address: str) -> float:
    """Receive at this local address; return ns of work a byte. Raises TimeoutError, or RuntimeError."""
    with socket.create_server((address, _PORT)) as server:
        server.settimeout(_PATIENCE_S)
        sender = multiprocessing.Process(target=call_in, args=("far", _send, address))
        sender.start()
        connection, _ = server.accept()
        with connection:
            # With a timeout Python polls before it reads; poll() sleeps until a burst is whole.
            connection.settimeout(_PATIENCE_S)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, _BURST)
            _read(connection, _FIRST)
            begin = _worked_ns()
            _read(connection, _BURSTS)
            took = _worked_ns() - begin
        sender.join()
    return took / (_BURSTS * _BURST)


def _worked_ns() -> int:
    """Return for how long the only processor has not been idle (kernel/time/timer_list.c).

    A device that spares interrupts makes it wait, and a nanosecond of that is no instruction.
    """
    now = time.monotonic_ns()
    lines = Path("/proc/timer_list").read_text().splitlines()
    idle = next(line for line in lines if ".idle_sleeptime" in line)  # "  .idle_sleeptime  : 123 nsecs"
    return now - int(idle.split()[-2])


def _read(connection: socket.socket, bursts: int) -> None:
    buffer = bytearray(_BURST)
    for _ in range(bursts):
        got = connection.recv_into(buffer)
        if got != _BURST:
            raise RuntimeError(f"{got} bytes of a burst of {_BURST} came")
        connection.sendall(b".")


def _send(address: str) -> None:
    burst = bytes(_BURST)
    with socket.create_connection((address, _PORT)) as connection:
        for _ in range(_FIRST + _BURSTS):
            connection.sendall(burst)
            if not connection.recv(1):
                raise RuntimeError("the reader has gone")
