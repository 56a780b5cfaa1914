# SPDX-License-Identifier: GPL-2.0-only
"""A program is loaded for fragments if it was compiled for them, and that only where the kernel has them."""

import errno
import os

import pytest

from netvsc_bpf.kernel.bpf import xdp_fragments
from netvsc_bpf.kernel.bpf.instructions import calls, instruction
from netvsc_bpf.model.errors import KernelError

CALL, LENGTH, HAS_FRAGS = 0x85, 188, 1 << 5


def test_s77_program_that_asks_for_the_whole_length_is_loaded_for_fragments() -> None:
    asks = instruction(0xBF, dst=1, src=6) + instruction(CALL, immediate=LENGTH)
    assert xdp_fragments.load_flags(asks) == HAS_FRAGS
    assert xdp_fragments.load_flags(instruction(CALL, immediate=5)) == 0
    assert xdp_fragments.load_flags(b"") == 0


def test_only_a_call_of_a_helper_is_one() -> None:
    assert not calls(instruction(CALL, src=1, immediate=LENGTH), LENGTH), "a function of the program"
    assert not calls(instruction(CALL, src=2, immediate=LENGTH), LENGTH), "a kfunc"
    assert not calls(instruction(0xB7, immediate=LENGTH), LENGTH), "a number"


def kernel_that(monkeypatch: pytest.MonkeyPatch, error: int | None) -> None:
    def load(kind: int, name: str, code: bytes, *, flags: int) -> int:
        assert flags == HAS_FRAGS
        if error is not None:
            raise OSError(error, os.strerror(error))
        return os.open("/dev/null", os.O_RDONLY)

    monkeypatch.setattr(xdp_fragments.libbpf, "prog_load", load)


def test_s77_kernel_before_5_18_does_not_know_the_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel_that(monkeypatch, None)
    assert xdp_fragments.macros() == {"XDP_FRAGS": 1}
    kernel_that(monkeypatch, errno.EINVAL)
    assert xdp_fragments.macros() == {"XDP_FRAGS": 0}


def test_failure_of_the_probe_is_not_taken_for_an_old_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel_that(monkeypatch, errno.ENOMEM)
    with pytest.raises(KernelError, match="probe for XDP fragments"):
        xdp_fragments.macros()
