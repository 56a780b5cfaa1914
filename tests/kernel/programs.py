# SPDX-License-Identifier: GPL-2.0-only
"""Other people's programs: small ones that count what they see and let it pass. No compiler is needed."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from netvsc_bpf.kernel.bpf import libbpf, links
from netvsc_bpf.kernel.bpf.instructions import instruction
from netvsc_bpf.kernel.hooks import tcx
from netvsc_bpf.lab.topology import Lab

SCHED_CLS = 3  # enum bpf_prog_type, include/uapi/linux/bpf.h
XDP = 6
_ARRAY = 2  # enum bpf_map_type
_LOOKUP = 1  # enum bpf_func_id
_VERDICTS = {SCHED_CLS: -1, XDP: 2}
"""TC_ACT_UNSPEC, which is TCX_NEXT too, and XDP_PASS."""


@dataclass(frozen=True)
class Counting:
    """A loaded program that counts into a map of its own."""

    fd: int
    map_fd: int

    @property
    def id(self) -> int:
        """The kernel's number of the program."""
        return links.program_id(self.fd)

    @property
    def seen(self) -> int:
        """How many packets it has seen."""
        value = ctypes.c_uint64()
        libbpf.map_lookup(self.map_fd, 0, value)
        return value.value


@contextmanager
def counting_program(kind: int, name: bytes = b"foreign") -> Iterator[Counting]:
    """Load one for the time of a with block; what it is attached to keeps it alive afterwards."""
    library = libbpf.lib()
    map_fd = _checked(library.bpf_map_create(_ARRAY, b"seen", 4, 8, 1, None))
    try:
        fd = load_program(kind, _code(map_fd, _VERDICTS[kind]), name)
        try:
            yield Counting(fd, map_fd)
        finally:
            os.close(fd)
    finally:
        os.close(map_fd)


def _code(map_fd: int, verdict: int) -> bytes:
    return b"".join(
        (
            instruction(0x62, dst=10, offset=-4),  # *(u32 *)(fp - 4) = 0
            instruction(0xBF, dst=2, src=10),  # r2 = fp
            instruction(0x07, dst=2, immediate=-4),  # r2 += -4
            instruction(0x18, dst=1, src=1, immediate=map_fd),  # r1 = map
            instruction(0),
            instruction(0x85, immediate=_LOOKUP),
            instruction(0x15, dst=0, offset=2),  # if r0 == 0 goto +2
            instruction(0xB7, dst=1, immediate=1),  # r1 = 1
            instruction(0xDB, dst=0, src=1),  # lock *(u64 *)r0 += r1
            instruction(0xB7, dst=0, immediate=verdict),
            instruction(0x95),  # exit
        )
    )


def require_tcx(lab: Lab) -> None:
    """Skip the test where the kernel has no tcx."""
    with counting_program(SCHED_CLS) as program:
        if not lab.in_guest(tcx.supported, program.fd):
            pytest.skip("this kernel has no tcx (requires 6.6 or later)")


def load_program(kind: int, code: bytes, name: bytes = b"foreign") -> int:
    """Load a program of this enum bpf_prog_type; return its descriptor. Raises OSError."""
    library = libbpf.lib()
    return _checked(library.bpf_prog_load(kind, name, b"GPL", code, len(code) // 8, None))


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result
