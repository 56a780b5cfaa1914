# SPDX-License-Identifier: GPL-2.0-only
"""A walk through a ring buffer that takes nothing out of it."""

import struct
from typing import Any

import pytest

from netvsc_bpf.kernel.bpf.ring_buffer import Ring
from netvsc_bpf.model.errors import ForeignLayout

PAGE = 4096
SIZE = 4096
RECORD = 24
STRIDE = 32
BUSY, DISCARDED = 1 << 31, 1 << 30


class Kernel:
    """The kernel's side, as kernel/bpf/ringbuf.c has it."""

    def __init__(self) -> None:
        self.memory = bytearray(2 * PAGE + SIZE)
        self.ring = Ring(self.memory, SIZE, RECORD, PAGE)

    def put(self, number: int, flags: int = 0, length: int = RECORD) -> None:
        at = self.reserve()
        struct.pack_into("=II", self.memory, at, length | flags, 0)
        struct.pack_into("=QQQ", self.memory, at + 8, number, number, number)

    def reserve(self) -> int:
        """Move the producer's position, then mark the record busy."""
        position = self.ring.producer
        struct.pack_into("=Q", self.memory, PAGE, position + STRIDE)
        at = 2 * PAGE + position % SIZE
        struct.pack_into("=II", self.memory, at, RECORD | BUSY, 0)
        return at

    def consumed(self, position: int) -> None:
        struct.pack_into("=Q", self.memory, 0, position)


def numbers(records: list[bytes]) -> list[int]:
    return [struct.unpack("=QQQ", one)[0] for one in records]


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


def test_empty_ring_has_nothing(kernel: Kernel) -> None:
    assert kernel.ring.walk(0) == ([], 0)


def test_records_in_order_each_once(kernel: Kernel) -> None:
    for number in range(3):
        kernel.put(number)
    records, after = kernel.ring.walk(0)
    assert numbers(records) == [0, 1, 2]
    kernel.put(3)
    records, after = kernel.ring.walk(after)
    assert numbers(records) == [3]
    assert kernel.ring.walk(after) == ([], after)


def test_nothing_is_consumed_and_what_was_consumed_is_still_there(kernel: Kernel) -> None:
    for number in range(3):
        kernel.put(number)
    before = bytes(kernel.memory)
    kernel.ring.walk(0)
    assert bytes(kernel.memory) == before
    kernel.consumed(3 * STRIDE)
    assert numbers(kernel.ring.walk(0)[0]) == [0, 1, 2]


def test_record_that_is_being_written_is_waited_for(kernel: Kernel) -> None:
    kernel.put(0)
    at = kernel.reserve()
    records, after = kernel.ring.walk(0)
    assert numbers(records) == [0] and after == STRIDE
    struct.pack_into("=II", kernel.memory, at, RECORD, 0)
    struct.pack_into("=QQQ", kernel.memory, at + 8, 1, 1, 1)
    assert numbers(kernel.ring.walk(after)[0]) == [1]


def test_discarded_record_is_passed_over(kernel: Kernel) -> None:
    kernel.put(0)
    kernel.put(1, flags=DISCARDED)
    kernel.put(2)
    records, after = kernel.ring.walk(0)
    assert numbers(records) == [0, 2] and after == 3 * STRIDE


def test_of_a_ring_that_went_round_the_last_lap_is_read(kernel: Kernel) -> None:
    many = 3 * SIZE // STRIDE + 5
    for number in range(many):
        kernel.put(number)
        kernel.consumed(kernel.ring.producer)
    records, after = kernel.ring.walk(0)
    assert numbers(records) == list(range(many - SIZE // STRIDE, many))
    assert after == many * STRIDE


def test_what_is_written_over_during_the_walk_is_left_out() -> None:
    kernel = Kernel()
    lap = SIZE // STRIDE
    for number in range(lap):
        kernel.put(number)

    class Overtaken(bytearray):
        """The kernel writes three records once the second one was read."""

        reads = 0

        def __getitem__(self, key: Any) -> Any:
            data = super().__getitem__(key)
            self.reads += 1
            if self.reads == 2:
                for number in range(3):
                    kernel.put(lap + number)
            return data

    memory = Overtaken(kernel.memory)
    kernel.memory = memory
    kernel.ring = Ring(memory, SIZE, RECORD, PAGE)
    records, after = kernel.ring.walk(0)
    assert numbers(records) == list(range(3, lap + 3))
    assert after == (lap + 3) * STRIDE


def test_ring_is_full_when_the_kernel_would_throw_the_next_away(kernel: Kernel) -> None:
    # __bpf_ringbuf_reserve(): new position - consumer's > size - 1.
    for number in range(SIZE // STRIDE - 1):
        assert not kernel.ring.full
        kernel.put(number)
    assert kernel.ring.full
    kernel.consumed(STRIDE)
    assert not kernel.ring.full


def test_record_of_another_length_is_refused(kernel: Kernel) -> None:
    kernel.put(0, length=16)
    with pytest.raises(ForeignLayout, match="16 bytes, not 24"):
        kernel.ring.walk(0)
