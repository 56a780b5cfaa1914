# SPDX-License-Identifier: GPL-2.0-only
"""One end of a TCP connection that carries as much as it can: `python -m bench.bulk receive|send ...`.

The bytes are not looked at: what is measured is the way, not the ends. The receiver prints its port, and when
the sender is done the bytes and the seconds from the first to the last.
"""

import socket
import sys
import time

_CHUNK = 256 << 10


def receive(address: str) -> None:
    """Take one connection to its end."""
    buffer = bytearray(_CHUNK)
    with socket.create_server((address, 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        link, _ = listener.accept()
    with link:
        size = link.recv_into(buffer)
        begin = time.monotonic()
        total = 0
        while size:
            size = link.recv_into(buffer)
            total += size
    print(total, time.monotonic() - begin, flush=True)


def send(address: str, port: int, seconds: float) -> None:
    """Send for so long."""
    data = memoryview(bytes(_CHUNK))
    with socket.create_connection((address, port)) as link:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            link.send(data)


if __name__ == "__main__":
    if sys.argv[1] == "receive":
        receive(sys.argv[2])
    else:
        send(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
