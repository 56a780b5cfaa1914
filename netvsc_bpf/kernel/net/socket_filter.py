# SPDX-License-Identifier: GPL-2.0-only
"""Filters of sockets in classic BPF: what does not pass never enters the receive queue."""

import ctypes
import socket
import struct
from collections.abc import Sequence
from typing import NamedTuple

# include/uapi/linux/filter.h: load a half-word or a byte, compare with the operand, return so many bytes.
LOAD_HALF, LOAD_BYTE, IF_EQUAL, RETURN = 0x28, 0x30, 0x15, 0x06
WHOLE = 0xFFFFFFFF
"""An operand of RETURN: all bytes; 0 drops."""
_SO_ATTACH_FILTER = 26  # include/uapi/asm-generic/socket.h
_INSTRUCTION = struct.Struct("=HBBI")  # struct sock_filter
_PROGRAM = struct.Struct("@HP")  # struct sock_fprog: the length, padded for the alignment of the pointer


class Instruction(NamedTuple):
    """One instruction: the jumps are how many are skipped if a comparison is true, and if it is not."""

    code: int
    jump_true: int
    jump_false: int
    operand: int


def attach_filter(where: socket.socket, program: Sequence[tuple[int, int, int, int]]) -> None:
    """Attach a filter of such instructions; the kernel copies it. Raises OSError."""
    packed = b"".join(_INSTRUCTION.pack(*one) for one in program)
    code = ctypes.create_string_buffer(packed, len(packed))
    where.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, _PROGRAM.pack(len(program), ctypes.addressof(code))
    )
