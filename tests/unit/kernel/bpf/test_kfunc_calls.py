# SPDX-License-Identifier: GPL-2.0-only
"""A placeholder becomes a call of the kernel's function; nothing else in a program is touched."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.kernel.bpf.kfunc_calls import ReadOnlyCast

CAST = ReadOnlyCast(function=65477, net_device=3094)
PLACEHOLDER = CAST.macros["RDONLY_CAST_PLACEHOLDER"]
INSTRUCTIONS = st.tuples(
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(-(2**15), 2**15 - 1),
    st.integers(-(2**31), 2**31 - 1),
)


def packed(*insns: tuple[int, int, int, int]) -> bytes:
    return b"".join(struct.pack("=BBhi", *insn) for insn in insns)


def test_placeholder_becomes_a_kfunc_call() -> None:
    before = packed((0xB7, 0x02, 0, 3094), (0x85, 0, 0, PLACEHOLDER), (0x95, 0, 0, 0))
    assert CAST.named(before) == packed((0xB7, 0x02, 0, 3094), (0x85, 0x20, 0, 65477), (0x95, 0, 0, 0))


def test_the_number_alone_is_no_call() -> None:
    constant = packed((0xB7, 0x01, 0, PLACEHOLDER))
    assert CAST.named(constant) == constant


@given(st.lists(INSTRUCTIONS))
def test_other_constants_are_not_replaced(insns: list[tuple[int, int, int, int]]) -> None:
    others = [insn for insn in insns if (insn[0], insn[3]) != (0x85, PLACEHOLDER)]
    assert CAST.named(packed(*others)) == packed(*others)
