# SPDX-License-Identifier: GPL-2.0-only
"""The ends of `make bench-small`: `python -m bench.small_ends echo|ask|drain|spray ADDRESS [PORT SECONDS]`.

Those that listen print their port; those that send print how many they did, the seconds, and the seconds of
CPU time, which hold what the kernel did for them, the softirqs of their packets included.
"""

import socket
import sys
import time
from collections.abc import Callable

_SIZE = 64
_WARM, _BATCH = 200, 50


def echo(address: str) -> None:
    """Return what comes over one connection until it ends."""
    with socket.create_server((address, 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        link, _ = listener.accept()
    with link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := link.recv(_SIZE):
            link.sendall(data)


def ask(address: str, port: int, seconds: float) -> None:
    """Send a byte, wait for its return, again and again."""
    with socket.create_connection((address, port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def once() -> None:
            link.sendall(b"?")
            link.recv(1)

        _repeat(once, seconds)


def drain(address: str) -> None:
    """Receive datagrams until killed. What finds the buffer full is not the path's loss."""
    buffer = bytearray(2048)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind((address, 0))
        print(link.getsockname()[1], flush=True)
        while True:
            link.recv_into(buffer)


def spray(address: str, port: int, seconds: float) -> None:
    """Send datagrams as fast as they go."""
    data = bytes(_SIZE)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.connect((address, port))
        _repeat(lambda: link.send(data), seconds)


def _repeat(action: Callable[[], object], seconds: float) -> None:
    for _ in range(_WARM):
        action()
    count = 0
    begin, cpu = time.monotonic(), time.process_time()
    end = begin + seconds
    while time.monotonic() < end:
        for _ in range(_BATCH):
            action()
        count += _BATCH
    print(count, time.monotonic() - begin, time.process_time() - cpu, flush=True)


if __name__ == "__main__":
    job, *rest = sys.argv[1:]
    if job in ("echo", "drain"):
        {"echo": echo, "drain": drain}[job](*rest)
    else:
        {"ask": ask, "spray": spray}[job](rest[0], int(rest[1]), float(rest[2]))
