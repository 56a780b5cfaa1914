# SPDX-License-Identifier: GPL-2.0-only
"""Links the rare part of a program to it as a function of its own (BPF_PSEUDO_CALL, Linux 4.16).

Inlined, the rare part would have the common part save the registers that only the rare one needs: six
instructions for each packet. bcc cannot link functions. So the C calls a helper number that does not exist;
here the function `<program>_rest` is appended, and the call becomes one of it.
"""

from netvsc_bpf.kernel.bpf.instructions import INSTRUCTION

_CALL = 0x85
"""BPF_JMP | BPF_CALL"""
_PSEUDO_CALL = 1
_PLACEHOLDER = 0x6E76_0002
"""Far beyond the numbers of helpers; the verifier never sees it."""


def macros() -> dict[str, int]:
    """Return the macro of ebpf/maps.h."""
    return {"REST_PLACEHOLDER": _PLACEHOLDER}


def needs_rest(code: bytes) -> bool:
    """Return whether a program calls its rare part."""
    return any(_is_call(one, imm) for one, _, _, imm in INSTRUCTION.iter_unpack(code))


def linked(code: bytes, rest: bytes) -> bytes:
    """Return a program with its rare part appended, and called."""
    end = len(code) // INSTRUCTION.size
    result = bytearray(code)
    for number, (one, registers, offset, imm) in enumerate(INSTRUCTION.iter_unpack(code)):
        if _is_call(one, imm):
            registers, imm = _PSEUDO_CALL << 4 | registers & 0xF, end - number - 1
            INSTRUCTION.pack_into(result, number * INSTRUCTION.size, one, registers, offset, imm)
    return bytes(result) + rest


def _is_call(code: int, imm: int) -> bool:
    return (code, imm) == (_CALL, _PLACEHOLDER)
