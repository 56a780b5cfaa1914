# SPDX-License-Identifier: GPL-2.0-only
"""XDP programs that accept frames of several buffers ("fragments", Linux 5.18).

A driver that receives a large frame in several buffers passes it only to a program that was loaded with
BPF_F_XDP_HAS_FRAGS; for any other program it refuses a large MTU, or drops such frames. Programs see the
first buffer, and need bpf_xdp_get_buff_len() for the length of the frame (ebpf/frame_length.h).
"""

import errno
import os

from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.kernel.bpf.instructions import calls, instruction
from netvsc_bpf.model.errors import KernelError

_GET_BUFF_LEN = 188  # enum bpf_func_id, include/uapi/linux/bpf.h
_HAS_FRAGS = 1 << 5  # BPF_F_XDP_HAS_FRAGS
_PASS = instruction(0xB7, immediate=2) + instruction(0x95)  # return XDP_PASS


def macros() -> dict[str, int]:
    """Return the macro of ebpf/frame_length.h: 1 if this kernel has fragments. Raises KernelError."""
    try:
        os.close(libbpf.prog_load(libbpf.XDP_PROGRAM, "probe", _PASS, flags=_HAS_FRAGS))
    except OSError as error:
        if error.errno != errno.EINVAL:  # bpf_prog_load(): an unknown flag
            what = "cannot probe for XDP fragments"
            raise KernelError(what, error.strerror or str(error), errno=error.errno) from error
        return {"XDP_FRAGS": 0}
    return {"XDP_FRAGS": 1}


def load_flags(code: bytes) -> int:
    """Return the flags (BPF_F_*) that a program has to be loaded with: as it was compiled. Pure."""
    return _HAS_FRAGS if calls(code, _GET_BUFF_LEN) else 0
