# SPDX-License-Identifier: GPL-2.0-only
"""Encodes BPF instructions in the kernel's format (include/uapi/linux/bpf.h)."""

import struct

INSTRUCTION = struct.Struct("=BBhi")
"""struct bpf_insn: code, registers (source in the high half), offset, imm."""
_CALL = 0x85
"""BPF_JMP | BPF_CALL."""


def instruction(code: int, dst: int = 0, src: int = 0, offset: int = 0, immediate: int = 0) -> bytes:
    """Return one struct bpf_insn."""
    return INSTRUCTION.pack(code, src << 4 | dst, offset, immediate)


def calls(code: bytes, helper: int) -> bool:
    """Return whether a program calls a helper, given by its enum bpf_func_id."""
    return any(
        (one, registers >> 4, immediate) == (_CALL, 0, helper)  # src 0: a helper, no function or kfunc
        for one, registers, _, immediate in INSTRUCTION.iter_unpack(code)
    )
