# SPDX-License-Identifier: GPL-2.0-only
"""Replaces placeholders in programs by addresses of map entries, which bcc cannot express.

The verifier knows the address of an array of one entry (array_map_direct_value_addr() in
kernel/bpf/arraymap.c, Linux 5.2). ebpf/maps.h has a placeholder for each; here the instruction that loads it
becomes one that loads the address (BPF_PSEUDO_MAP_VALUE, include/uapi/linux/bpf.h).

Programs of which each pair has a copy (program_templates.py) have four more placeholders: the addresses of
the pair's own entry in `pairs`, `counters` and `evidence`, and its slot. Until they are completed for a pair
all their maps are placeholders, because a descriptor is only valid in one process.
"""

import ctypes
from collections.abc import Callable, Mapping
from enum import IntEnum

from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.instructions import INSTRUCTION
from netvsc_bpf.kernel.process.cpus import possible_cpus

MAPS = ("pairs", "homes", "counters", "evidence")
BY_DESCRIPTOR = ("paths", "path_events")
"""Maps that programs access by helpers. Templates contain the index in this list (part of ABI_VERSION)."""
_LOAD_64 = 0x18
"""BPF_LD | BPF_DW | BPF_IMM, which takes two instructions: the first has the lower half of the number."""
_PSEUDO_MAP_FD, _PSEUDO_MAP_VALUE = 1, 2
_MAGIC = 0x6E76_0100
"""The upper half of a placeholder: no kernel address and no other constant looks like it. The lower is 0."""
_DESCRIPTORS = 16


class _Own(IntEnum):
    """Placeholders for values of the pair of a copy."""

    PAIR = 8
    COUNTERS = 9
    SLOT = 10
    EVIDENCE = 11


MapFd = Callable[[str], int]
"""Returns the descriptor of a map."""


def macros() -> dict[str, int]:
    """Return the macros of ebpf/maps.h and ebpf/abi.h."""
    addresses = {f"{name.upper()}_ADDRESS": _number(place) for place, name in enumerate(MAPS)}
    own = {
        "OWN_PAIR_ADDRESS": _number(_Own.PAIR),
        "OWN_COUNTERS_ADDRESS": _number(_Own.COUNTERS),
        "OWN_EVIDENCE_ADDRESS": _number(_Own.EVIDENCE),
        "OWN_SLOT": _number(_Own.SLOT),
    }
    return addresses | own | {"CPU_SLOTS": cpu_slots(possible_cpus())}


def cpu_slots(cpus: int) -> int:
    """Return the number of CPUs in `counters`: a power of two, so that a mask satisfies the verifier."""
    return 1 << (cpus - 1).bit_length()


def addressed(code: bytes, map_fd: MapFd, slot: int | None = None) -> bytes:
    """Return a program's instructions with the placeholders replaced by addresses and map descriptors.

    `slot` is that of the pair whose copy it becomes, None for a program that all pairs share.
    """
    result = bytearray(code)
    for at in range(0, len(code) - INSTRUCTION.size, INSTRUCTION.size):
        operation, registers, offset, low = INSTRUCTION.unpack_from(code, at)
        place = INSTRUCTION.unpack_from(code, at + INSTRUCTION.size)[3] - _MAGIC
        if operation != _LOAD_64 or registers >> 4 or low:
            continue
        meant = _meaning(place, map_fd, slot)
        if meant is not None:
            source, first, second = meant
            INSTRUCTION.pack_into(result, at, operation, registers | source << 4, offset, first)
            INSTRUCTION.pack_into(result, at + INSTRUCTION.size, 0, 0, 0, second)
    return bytes(result)


def symbolic(code: bytes, names: Mapping[int, str]) -> bytes:
    """Return a program's instructions with map descriptors replaced by placeholders.

    `names` maps descriptors to map names. Raises ValueError for a descriptor without a name, or of a map that
    is not in BY_DESCRIPTOR.
    """
    result = bytearray(code)
    for at in range(0, len(code) - INSTRUCTION.size, INSTRUCTION.size):
        operation, registers, offset, low = INSTRUCTION.unpack_from(code, at)
        if operation != _LOAD_64 or registers >> 4 != _PSEUDO_MAP_FD:
            continue
        place = _DESCRIPTORS + BY_DESCRIPTOR.index(names.get(low, f"descriptor {low}"))
        INSTRUCTION.pack_into(result, at, operation, registers & 0xF, offset, 0)
        INSTRUCTION.pack_into(result, at + INSTRUCTION.size, 0, 0, 0, _MAGIC + place)
    return bytes(result)


def _number(place: int) -> int:
    return (_MAGIC + place) << 32


def _meaning(place: int, map_fd: MapFd, slot: int | None) -> tuple[int, int, int] | None:
    """Return the source register and both halves of the value to load; None for any other constant."""
    if 0 <= place < len(MAPS):
        return _PSEUDO_MAP_VALUE, map_fd(MAPS[place]), 0
    if 0 <= place - _DESCRIPTORS < len(BY_DESCRIPTOR):
        return _PSEUDO_MAP_FD, map_fd(BY_DESCRIPTOR[place - _DESCRIPTORS]), 0
    if slot is None:
        return None
    match place:
        case _Own.PAIR:
            return _PSEUDO_MAP_VALUE, map_fd("pairs"), slot * ctypes.sizeof(abi.PairState)
        case _Own.COUNTERS:
            return _PSEUDO_MAP_VALUE, map_fd("counters"), slot * ctypes.sizeof(abi.Counters)
        case _Own.EVIDENCE:
            return _PSEUDO_MAP_VALUE, map_fd("evidence"), slot * ctypes.sizeof(abi.Evidence)
        case _Own.SLOT:
            return 0, slot, 0
    return None
