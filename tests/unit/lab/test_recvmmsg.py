# SPDX-License-Identifier: GPL-2.0-only
"""Datagrams read many at a time, as the kernel gave them."""

import socket
import struct
import time
from collections.abc import Iterator

import pytest

from netvsc_bpf.lab.recvmmsg import Inbox

Ends = tuple[socket.socket, socket.socket]
SIZE = 8


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Of this process alone: no traffic on any network."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("=qq", 0, 1000))
    with here, there:
        yield here, there


def test_all_that_wait_come_in_order_with_their_times(ends: Ends) -> None:
    here, there = ends
    inbox = Inbox(there, SIZE)
    before = time.time_ns()
    for number in range(10):
        here.send(number.to_bytes(SIZE, "big"))
    after = time.time_ns()
    found = inbox.read()
    numbers = [int.from_bytes(inbox.payloads[begin : begin + size], "big") for begin, size, _ in found]
    times = [arrived_ns for _, _, arrived_ns in found]
    assert numbers == list(range(10))
    assert times == sorted(times) and before <= times[0] and times[-1] <= after


def test_each_read_has_room_for_times_again(ends: Ends) -> None:
    here, there = ends
    inbox = Inbox(there, SIZE)
    for _ in range(3):
        here.send(bytes(SIZE))
        sent = time.time_ns()
        time.sleep(0.002)
        ((_, _, arrived_ns),) = inbox.read()
        assert arrived_ns <= sent, "the time of its arrival, not of its being read"


def test_short_ones_are_shown_and_long_ones_cut(ends: Ends) -> None:
    here, there = ends
    inbox = Inbox(there, SIZE)
    for size in (3, SIZE + 100, 0):
        here.send(bytes(size))
    assert [size for _, size, _ in inbox.read()] == [3, SIZE, 0]


def test_no_answer_in_time_is_none(ends: Ends) -> None:
    with pytest.raises(BlockingIOError):
        Inbox(ends[1], SIZE).read()
