# SPDX-License-Identifier: GPL-2.0-only
"""Reading what a driver says of its queues."""

import struct

from netvsc_bpf.kernel.net.queue_stats import stops_by_ifindex
from netvsc_bpf.kernel.net.rtnetlink import Message, attribute

_HEAD = struct.pack("=BBH", 12, 1, 0)


def answer(ifindex: int, *others: bytes) -> Message:
    return Message(36, _HEAD + attribute(1, struct.pack("=I", ifindex)) + b"".join(others))


def test_s53_stops_are_read_in_either_width_and_only_where_they_are_counted() -> None:
    packets = attribute(10, struct.pack("=Q", 999))
    found = stops_by_ifindex(
        [
            answer(2, packets, attribute(33, struct.pack("=I", 7))),
            answer(3, attribute(33, struct.pack("=Q", 2**33)), attribute(34, struct.pack("=I", 1))),
            answer(4, packets),
        ]
    )
    assert found == {2: 7, 3: 2**33}
