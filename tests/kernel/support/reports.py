# SPDX-License-Identifier: GPL-2.0-only
"""Reports of group memberships as a capture shows them."""

import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from tests.kernel.support.frames import Frame

_IGMP2_REPORT, _IGMP3_REPORT, _MLD2_REPORT = 0x16, 0x22, 143
_IPV4, _IPV6 = 0x0800, 0x86DD


class Mode(IntEnum):
    """The record types of RFC 3376 (4.2.12) and RFC 3810 that answer a query; others are sent unasked."""

    INCLUDE = 1
    EXCLUDE = 2


@dataclass(frozen=True, slots=True)
class Report:
    """One membership."""

    group: str
    mode: Mode | None
    """None: by IGMPv2, which has no modes, and whose reports are the same whether asked for or not."""
    sources: tuple[str, ...] = ()


def reports(frames: Iterable[Frame]) -> set[Report]:
    """Return the answers to queries, and all reports of IGMPv2, among these frames."""
    return {report for frame in frames for report in _reports(frame.data)}


def _reports(data: bytes) -> Iterator[Report]:
    (ethertype,) = struct.unpack_from("!H", data, 12)
    if ethertype == _IPV4 and data[14 + 9] == socket.IPPROTO_IGMP:
        body = data[14 + 4 * (data[14] & 0xF) :]
        if body[0] == _IGMP2_REPORT:
            yield Report(socket.inet_ntoa(body[4:8]), None)
        elif body[0] == _IGMP3_REPORT:
            yield from _records(body, socket.AF_INET, 4)
    # Hop-by-hop options of 8 bytes, as the kernel sends them.
    elif ethertype == _IPV6 and data[14 + 6] == socket.IPPROTO_HOPOPTS:
        body = data[14 + 40 + 8 :]
        if body[0] == _MLD2_REPORT:
            yield from _records(body, socket.AF_INET6, 16)


def _records(body: bytes, family: socket.AddressFamily, size: int) -> Iterator[Report]:
    (count,) = struct.unpack_from("!H", body, 6)
    at = 8
    for _ in range(count):
        kind, auxiliary, number = struct.unpack_from("!BBH", body, at)
        at += 4
        addresses = [socket.inet_ntop(family, body[at + size * one :][:size]) for one in range(1 + number)]
        at += size * (1 + number) + 4 * auxiliary
        if kind in set(Mode):
            yield Report(addresses[0], Mode(kind), tuple(addresses[1:]))
