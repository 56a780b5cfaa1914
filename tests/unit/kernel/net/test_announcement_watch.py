# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel's messages say about announcements, from messages that were made up."""

import struct

from netvsc_bpf.kernel.net.announcement_watch import Changes, note
from netvsc_bpf.kernel.net.rtnetlink import attribute

MAC = bytes.fromhex("02000000000c")


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def link(kind: int, ifindex: int, family: int = 0) -> bytes:
    head = struct.pack("=BxHiII", family, 1, ifindex, 1, 0)
    return message(kind, head + attribute(3, b"eth0\0") + attribute(1, MAC))


def noted(*datagrams: bytes) -> Changes:
    changes = Changes()
    for data in datagrams:
        note(changes, data, {2, 3})
    return changes


def test_relevant_interfaces_are_read_as_they_are_now() -> None:
    changes = noted(link(17, 2), link(16, 2) + link(16, 9))
    assert changes.links.keys() == {2}
    now = changes.links[2]
    assert now is not None and (now.ifindex, now.mac) == (2, MAC)


def test_interface_that_is_gone_and_a_bridge_port_that_changed() -> None:
    assert noted(link(17, 2), link(16, 3, family=7)).links == {2: None, 3: None}


def test_addresses_that_are_gone() -> None:
    assert noted(message(21, struct.pack("=BBBBI", 2, 24, 0, 0, 7))).addresses == {7}


def test_entries_of_forwarding_tables() -> None:
    neighbour = struct.pack("=BBHiHBB", 7, 0, 0, 5, 0x02, 0, 0) + attribute(2, MAC)
    assert noted(message(28, neighbour)).macs == noted(message(29, neighbour)).macs == {MAC}


def test_lost_messages() -> None:
    assert noted(b"", link(16, 9)) == Changes(lost=True)
