# SPDX-License-Identifier: GPL-2.0-only
"""The rare part of a program is appended to it, and called by its distance."""

from netvsc_bpf.kernel.bpf import subprograms
from netvsc_bpf.kernel.bpf.instructions import INSTRUCTION, instruction

EXIT, NOTHING = instruction(0x95), instruction(0xB7)
REST = instruction(0x85, immediate=subprograms.macros()["REST_PLACEHOLDER"])
HELPER = instruction(0x85, immediate=8)


def test_each_call_leads_to_the_beginning_of_the_rare_part() -> None:
    program = NOTHING + REST + EXIT + REST + EXIT
    linked = list(INSTRUCTION.iter_unpack(subprograms.linked(program, NOTHING + EXIT)))
    # A call leads to the instruction after it, and as many further (include/uapi/linux/bpf.h).
    calls = [
        (at, registers >> 4, at + 1 + imm)
        for at, (code, registers, _, imm) in enumerate(linked)
        if code == 0x85
    ]
    assert calls == [(1, 1, 5), (3, 1, 5)]
    assert len(linked) == 7


def test_other_calls_stay() -> None:
    assert not subprograms.needs_rest(HELPER + EXIT)
    assert subprograms.needs_rest(HELPER + REST + EXIT)
    assert subprograms.linked(HELPER + EXIT, b"") == HELPER + EXIT
