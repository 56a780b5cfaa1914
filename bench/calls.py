# SPDX-License-Identifier: GPL-2.0-only
"""Programs that make the same kernel calls as netvsc-bpf's programs and do nothing else.

What a call costs is the affair of the CPU and its mitigations (a return thunk alone can cost more than all of
our own instructions), so each of our programs is shown beside the calls that it cannot do without.
"""

import ctypes
import os

from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.kernel.bpf.instructions import instruction

# enum bpf_prog_type, include/uapi/linux/bpf.h
SCHED_CLS = 3
XDP = 6

# enum bpf_func_id
_MAP_LOOKUP = 1
_REDIRECT = 23
_PROBE_READ_KERNEL = 113

_LOAD_64, _MOVE, _MOVE_REGISTER, _ADD, _STORE_32, _CALL, _EXIT = 0x18, 0xB7, 0xBF, 0x07, 0x62, 0x85, 0x95
_PSEUDO_MAP_FD = 1
_STACK = 10


def answering(answer: int) -> bytes:
    """Return the code that ends a program with this answer; alone it is the empty program."""
    return instruction(_MOVE, 0, immediate=answer) + instruction(_EXIT)


def lookup(map_fd: int) -> bytes:
    """Return the code that looks key 0 up in a map and forgets the answer."""
    return (
        instruction(_STORE_32, _STACK, offset=-8)
        + instruction(_LOAD_64, 1, _PSEUDO_MAP_FD, immediate=map_fd)
        + instruction(0)
        + instruction(_MOVE_REGISTER, 2, _STACK)
        + instruction(_ADD, 2, immediate=-8)
        + instruction(_CALL, immediate=_MAP_LOOKUP)
    )


def probe_read() -> bytes:
    """Return the code that reads eight bytes of its own stack as if they were the kernel's."""
    return (
        instruction(_MOVE_REGISTER, 1, _STACK)
        + instruction(_ADD, 1, immediate=-8)
        + instruction(_MOVE, 2, immediate=8)
        + instruction(_MOVE_REGISTER, 3, _STACK)
        + instruction(_ADD, 3, immediate=-16)
        + instruction(_CALL, immediate=_PROBE_READ_KERNEL)
    )


def redirect(ifindex: int, flags: int) -> bytes:
    """Return the code that calls bpf_redirect()."""
    return (
        instruction(_MOVE, 1, immediate=ifindex)
        + instruction(_MOVE, 2, immediate=flags)
        + instruction(_CALL, immediate=_REDIRECT)
    )


def load(kind: int, code: bytes) -> int:
    """Load a program and return its descriptor. Raises OSError."""
    fd: int = libbpf.lib().bpf_prog_load(kind, b"bench", b"GPL", code, len(code) // 8, None)
    if fd < 0:
        number = ctypes.get_errno() or -fd
        raise OSError(number, os.strerror(number))
    return fd
