# SPDX-License-Identifier: GPL-2.0-only
"""One end of numbered traffic in both directions, the same in the guest and on the peer.

Runs in the guest too, where nothing of this project can be imported. SIGUSR1: send no more; SIGTERM: write
what arrived to the file, and end. Times are CLOCK_MONOTONIC ns of this end.

Usage: stream.py udp|tcp guest|peer OWN_ADDRESS OTHER_ADDRESS PACKETS_PER_SECOND FILE
"""

import json
import signal
import socket
import struct
import sys
import threading
import time
from pathlib import Path

PORT = 7001
NUMBER = struct.Struct("!Q")
PADDING = bytes(92)
BLOCK = 128
"""Numbers in one block of the TCP stream: one KiB."""
SLEPT_S = 0.2
"""A sender that is this late was not running: it goes on from now, with no burst."""

quiet, over = threading.Event(), threading.Event()


def paced(rate: float):  # type: ignore[no-untyped-def]
    """Yield at this rate a second until it has to be quiet."""
    due = time.monotonic()
    while not quiet.is_set():
        now = time.monotonic()
        if now < due:
            time.sleep(due - now)
        elif now - due > SLEPT_S:
            due = now
        due += 1 / rate
        yield


def ranges(numbers: list[int]) -> list[list[int]]:
    """Return the first and the last of each run of consecutive numbers."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def udp(role: str, own: str, other: str, rate: float, file: str) -> dict[str, object]:
    """Send numbered datagrams, and note which arrive: in the guest without times, its clock being another."""
    end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    end.bind((own, PORT))
    end.settimeout(0.2)
    sent: list[int] = []
    received: list[tuple[int, int]] = []
    errors: list[str] = []

    def send() -> None:
        for _ in paced(rate):
            sent.append(time.monotonic_ns())
            try:
                end.sendto(NUMBER.pack(len(sent) - 1) + PADDING, (other, PORT))
            except OSError as error:
                errors.append(str(error))

    sender = threading.Thread(target=send if rate else quiet.wait)
    sender.start()
    while not over.is_set():
        try:
            data = end.recv(2048)
        except OSError as error:  # a timeout, or the other end has no socket yet
            if not isinstance(error, TimeoutError | ConnectionRefusedError):
                errors.append(str(error))
            continue
        received.append((NUMBER.unpack_from(data)[0], time.monotonic_ns()))
    quiet.set()
    sender.join()
    if role == "peer":
        return {"sent": sent, "received": received, "errors": errors}
    Path(f"{file}.sent").write_text(json.dumps(sent))
    numbers = [number for number, _ in received]
    twice = len(numbers) - len(set(numbers))
    return {"sent": len(sent), "received": ranges(numbers), "twice": twice, "errors": errors}


def tcp(role: str, own: str, other: str, rate: float) -> dict[str, object]:
    """Send consecutive numbers, and check those that arrive."""
    if role == "peer":
        with socket.create_server((own, PORT)) as server:
            connection, _ = server.accept()
    else:
        connection = socket.create_connection((other, PORT), 20, source_address=(own, 0))
    connection.settimeout(0.2)
    result = {"intact": True, "sent": 0, "received": 0, "longest_s": 0.0, "error": ""}

    def send() -> None:
        number = 0
        for _ in paced(rate):
            block = b"".join(map(NUMBER.pack, range(number, number + BLOCK)))
            number += BLOCK
            while block and not over.is_set():
                try:
                    block = block[connection.send(block) :]
                except TimeoutError:
                    continue
            result["sent"] = number

    sender = threading.Thread(target=send)
    sender.start()
    waiting, expected, last = b"", 0, time.monotonic()
    while not over.is_set():
        try:
            data = connection.recv(1 << 16)
        except TimeoutError:
            continue
        except OSError as error:
            result["error"] = str(error)
            break
        if not data:
            result["error"] = "" if quiet.is_set() else "the other end closed it"
            break
        now = time.monotonic()
        result["longest_s"], last = max(result["longest_s"], now - last), now
        waiting += data
        whole = len(waiting) // NUMBER.size * NUMBER.size
        for (number,) in NUMBER.iter_unpack(waiting[:whole]):
            result["intact"] = result["intact"] and number == expected
            expected += 1
        waiting = waiting[whole:]
    result["received"] = expected
    quiet.set()
    sender.join()
    return result


def main(kind: str, role: str, own: str, other: str, rate: str, file: str) -> None:
    """Run one end until a signal ends it, and write what it noted."""
    signal.signal(signal.SIGUSR1, lambda *_: quiet.set())
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    result = udp(role, own, other, float(rate), file) if kind == "udp" else tcp(role, own, other, float(rate))
    part = Path(f"{file}.part")
    part.write_text(json.dumps(result))
    part.rename(file)


main(*sys.argv[1:])
