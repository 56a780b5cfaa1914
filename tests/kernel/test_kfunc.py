# SPDX-License-Identifier: GPL-2.0-only
"""What the data path relies on when it reads the kernel's memory without a helper call."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.kernel.bpf.btf import Btf
from netvsc_bpf.kernel.bpf.instructions import instruction
from netvsc_bpf.kernel.bpf.kfunc_calls import ReadOnlyCast
from netvsc_bpf.kernel.bpf.offsets import kernel_offsets
from tests.kernel.programs import SCHED_CLS, load_program

NOWHERE = {
    "null": 0,
    "a user's address": 0x7F00_0000_0000,
    "not canonical": 0xDEAD_0000_0000_0000,
    "never mapped": 0xFFFF_8000_0000_0000,
}


@contextmanager
def reading(address: int) -> Iterator[int]:
    """A program that returns the ifindex of the net_device at this address."""
    with Btf.of_kernel() as btf:
        cast, offsets = ReadOnlyCast.of_kernel(btf), kernel_offsets(btf)
    if cast is None:
        pytest.skip("this kernel has no bpf_rdonly_cast() (Linux 6.2): the helper reads there")
    macros = cast.macros
    low, high = address & 0xFFFFFFFF, address >> 32
    code = b"".join(
        (
            instruction(0x18, dst=1, immediate=_signed(low)),  # r1 = address
            instruction(0, immediate=_signed(high)),
            instruction(0xB7, dst=2, immediate=macros["RDONLY_CAST_TYPE"]),
            instruction(0x85, immediate=macros["RDONLY_CAST_PLACEHOLDER"]),
            instruction(0x61, dst=0, src=0, offset=offsets["NET_DEVICE_IFINDEX"]),
            instruction(0x95),  # exit
        )
    )
    fd = load_program(SCHED_CLS, cast.named(code))
    try:
        yield fd
    finally:
        os.close(fd)


@pytest.mark.guest
@pytest.mark.every
@pytest.mark.parametrize("address", NOWHERE.values(), ids=NOWHERE.keys())
def test_a_read_that_faults_gives_0_and_has_no_other_effect(address: int) -> None:
    with reading(address) as program:
        assert libbpf.test_run(program, bytes(64), (ctypes.c_uint32 * 48)())[0] == 0


def _signed(word: int) -> int:
    return word - (1 << 32) if word >> 31 else word
