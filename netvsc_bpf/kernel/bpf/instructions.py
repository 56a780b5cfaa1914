# SPDX-License-Identifier: GPL-2.0-only
"""Encodes BPF instructions in the kernel's format (include/uapi/linux/bpf.h)."""

import struct

INSTRUCTION = struct.Struct("=BBhi")
"""struct bpf_insn: code, registers (source in the high half), offset, imm."""


def instruction(code: int, dst: int = 0, src: int = 0, offset: int = 0, immediate: int = 0) -> bytes:
    """Return one struct bpf_insn."""
    return INSTRUCTION.pack(code, src << 4 | dst, offset, immediate)
