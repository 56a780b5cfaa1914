# SPDX-License-Identifier: GPL-2.0-only
"""Numbers in instructions become addresses of map entries, and nothing else is touched."""

import struct

import pytest

from netvsc_bpf.kernel.bpf import map_addresses

INSN = struct.Struct("=BBhi")
LOAD_64, MOVE = 0x18, 0xB7
FDS = {"pairs": 11, "homes": 12, "counters": 13, "evidence": 14}


def load_64(register: int, number: int, source: int = 0) -> bytes:
    low, high = number & 0xFFFFFFFF, number >> 32
    return INSN.pack(LOAD_64, source << 4 | register, 0, low) + INSN.pack(0, 0, 0, high)


def addressed(code: bytes) -> bytes:
    return map_addresses.addressed(code, FDS.__getitem__)


@pytest.mark.parametrize("name", map_addresses.MAPS)
def test_the_number_of_a_map_becomes_the_address_of_its_entry(name: str) -> None:
    number = map_addresses.macros()[f"{name.upper()}_ADDRESS"]
    before = INSN.pack(MOVE, 3, 0, 7)
    pseudo_map_value = 2
    expected = INSN.pack(LOAD_64, pseudo_map_value << 4 | 5, 0, FDS[name]) + INSN.pack(0, 0, 0, 0)
    assert addressed(before + load_64(5, number) + before) == before + expected + before


@pytest.mark.parametrize(
    "code",
    [
        load_64(1, 0x1234_5678_9ABC),
        load_64(1, 7, source=1),  # a map by its descriptor, as bcc writes it
        load_64(1, (map_addresses.macros()["PAIRS_ADDRESS"]) + 8),  # the compiler computed with it
        INSN.pack(MOVE, 1, 0, map_addresses.macros()["PAIRS_ADDRESS"] >> 32),
        b"",
    ],
)
def test_any_other_instruction_stays(code: bytes) -> None:
    assert addressed(code) == code


@pytest.mark.parametrize(("cpus", "slots"), [(1, 1), (2, 2), (3, 4), (64, 64), (65, 128), (240, 256)])
def test_counters_have_room_for_every_cpu(cpus: int, slots: int) -> None:
    assert map_addresses.cpu_slots(cpus) == slots
