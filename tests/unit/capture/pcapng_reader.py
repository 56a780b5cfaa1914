# SPDX-License-Identifier: GPL-2.0-only
"""Reads pcapng by its specification, and fails at what is not as it says; knows nothing of our writer."""

import struct
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Packet:
    interface: str
    at: int
    data: bytes
    length: int
    outgoing: bool


@dataclass(frozen=True, slots=True)
class File:
    packets: list[Packet]
    interfaces: list[str]
    statistics: dict[str, tuple[int, int]]
    """By interface: received, dropped."""


def read(content: bytes) -> File:
    packets: list[Packet] = []
    interfaces: list[str] = []
    statistics: dict[str, tuple[int, int]] = {}
    at = 0
    while at < len(content):
        kind, size = struct.unpack_from("=II", content, at)
        body = content[at + 8 : at + size - 4]
        assert size % 4 == 0 and struct.unpack_from("=I", content, at + size - 4) == (size,)
        if at == 0:
            assert kind == 0x0A0D0D0A and struct.unpack_from("=IHH", body) == (0x1A2B3C4D, 1, 0)
        elif kind == 1:
            assert struct.unpack_from("=H", body) == (1,), "Ethernet"
            options = _options(body[8:])
            assert options[9] == b"\x09", "nanoseconds"
            interfaces.append(options[2].decode())
        elif kind == 6:
            number, high, low, kept, length = struct.unpack_from("=5I", body)
            options = _options(body[20 + kept + -kept % 4 :])
            way = struct.unpack("=I", options[2])[0] & 3
            assert way in (1, 2)
            moment = high << 32 | low
            packets.append(Packet(interfaces[number], moment, body[20 : 20 + kept], length, way == 2))
        elif kind == 5:
            (number,) = struct.unpack_from("=I", body)
            options = _options(body[12:])
            numbers: Any = (struct.unpack("=Q", options[4])[0], struct.unpack("=Q", options[5])[0])
            statistics[interfaces[number]] = numbers
        else:
            raise AssertionError(f"block type {kind}")
        at += size
    return File(packets, interfaces, statistics)


def _options(data: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while True:
        code, size = struct.unpack_from("=HH", data, at)
        if code == 0:
            assert at + 4 == len(data)
            return found
        found[code] = data[at + 4 : at + 4 + size]
        at += 4 + size + -size % 4
