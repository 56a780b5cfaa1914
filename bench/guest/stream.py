# SPDX-License-Identifier: GPL-2.0-only
"""One TCP stream into the guest's NIC, both ends in this guest: a namespace `far` sends, we receive.

The sender makes frames of MTU size (no TSO), so that what arrives is what a wire brings; the VF aggregates
them where it has GRO. The figure holds both ends' work; the sender's is the same for every arrangement.
"""

import multiprocessing
import socket
import time

from netvsc_bpf.lab.namespace import call_in

_CHUNK = 1 << 18
_PORT = 5001


def receive(address: str, size: int) -> float:
    """Receive so many bytes at this address of ours; return ns for one. Raises RuntimeError if fewer come."""
    with socket.create_server((address, _PORT)) as server:
        sender = multiprocessing.Process(target=_send, args=(address, size))
        sender.start()
        connection, _ = server.accept()
        with connection:
            begin = time.monotonic_ns()
            got, buffer = 0, bytearray(_CHUNK)
            while count := connection.recv_into(buffer):
                got += count
            took = time.monotonic_ns() - begin
        sender.join()
    if got != size:
        raise RuntimeError(f"{got} of {size} bytes came")
    return took / size


def _send(address: str, size: int) -> None:
    call_in("far", _send_from_here, address, size)


def _send_from_here(address: str, size: int) -> None:
    chunk = memoryview(bytes(_CHUNK))
    with socket.create_connection((address, _PORT)) as connection:
        for offset in range(0, size, _CHUNK):
            connection.sendall(chunk[: min(_CHUNK, size - offset)])
