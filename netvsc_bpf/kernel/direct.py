# SPDX-License-Identifier: GPL-2.0-only
"""Maps whose entry the programs reach by its address, which bcc cannot name.

An array of one entry has an address that the verifier knows (array_map_direct_value_addr() in
kernel/bpf/arraymap.c, Linux 5.2). ebpf/maps.h has a number in place of each; here the instruction that loads
it becomes one that loads the address (BPF_PSEUDO_MAP_VALUE, include/uapi/linux/bpf.h).
"""

from collections.abc import Callable

from netvsc_bpf.kernel.cpus import possible_cpus
from netvsc_bpf.kernel.instructions import INSTRUCTION

MAPS = ("pairs", "homes", "counters")
_LOAD_64 = 0x18
"""BPF_LD | BPF_DW | BPF_IMM, which takes two instructions: the number's lower half stands in the first."""
_PSEUDO_MAP_VALUE = 2
_MAGIC = 0x6E76_0100
"""The upper half; no address of a kernel and no number of ours looks like it. The lower half is 0."""


def macros() -> dict[str, int]:
    """Return what ebpf/maps.h and ebpf/abi.h are told."""
    addresses = {f"{name.upper()}_ADDRESS": (_MAGIC + number) << 32 for number, name in enumerate(MAPS)}
    return addresses | {"CPU_SLOTS": cpu_slots(possible_cpus())}


def cpu_slots(cpus: int) -> int:
    """Return for how many CPUs `counters` has room: a power of two, so that the verifier believes a mask."""
    return 1 << (cpus - 1).bit_length()


def addressed(code: bytes, map_fd: Callable[[str], int]) -> bytes:
    """Return a program's instructions with the numbers made addresses of the maps of these descriptors."""
    result = bytearray(code)
    for at in range(0, len(code) - INSTRUCTION.size, INSTRUCTION.size):
        operation, registers, offset, low = INSTRUCTION.unpack_from(code, at)
        number = INSTRUCTION.unpack_from(code, at + INSTRUCTION.size)[3] - _MAGIC
        if operation == _LOAD_64 and not registers >> 4 and not low and 0 <= number < len(MAPS):
            registers |= _PSEUDO_MAP_VALUE << 4
            INSTRUCTION.pack_into(result, at, operation, registers, offset, map_fd(MAPS[number]))
            INSTRUCTION.pack_into(result, at + INSTRUCTION.size, 0, 0, 0, 0)  # the offset into the entry
    return bytes(result)
