# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel's messages say about MACs, addresses and routes, from messages that were made up."""

import struct

from netvsc_bpf.kernel.net.source_watch import SourceChanges, note


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def link(kind: int, ifindex: int) -> bytes:
    return message(kind, struct.pack("=BxHiII", 0, 1, ifindex, 1, 0))


def address(kind: int, ifindex: int) -> bytes:
    return message(kind, struct.pack("=BBBBI", 2, 24, 0, 0, ifindex))


def noted(*datagrams: bytes) -> SourceChanges:
    changes = SourceChanges()
    for data in datagrams:
        note(changes, data)
    return changes


def test_interfaces_and_addresses_concern_their_interface() -> None:
    changes = noted(link(16, 2) + link(17, 3), address(20, 4), address(21, 5))
    assert changes.interfaces == {2, 3, 4, 5} and not changes.routes
    assert changes.concern([9, 5]) and not changes.concern([9])


def test_routes_and_lost_messages_concern_every_interface() -> None:
    for data in (message(24, bytes(12)), message(25, bytes(12)), b""):
        assert noted(data).concern([9])


def test_other_messages_concern_none() -> None:
    assert noted(message(28, bytes(12)), b"\0" * 7) == SourceChanges()
