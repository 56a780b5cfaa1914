# SPDX-License-Identifier: GPL-2.0-only
"""Queries the programs on the tcx hooks of a device, including foreign ones."""

import ctypes
import errno
import os

from netvsc_bpf.kernel.bpf.libbpf import lib
from netvsc_bpf.kernel.hooks.tcx import Direction

_MOST = 64
"""BPF_MPROG_MAX (include/linux/bpf_mprog.h): the most programs that the kernel allows on one hook."""


def tcx_programs(ifindex: int, direction: Direction) -> list[int]:
    """Return the ids of the programs on one hook, in the order in which they run.

    A kernel without tcx (before 6.6) has none. Raises OSError: EPERM without CAP_NET_ADMIN, ENODEV.
    """
    ids, count, flags = (ctypes.c_uint32 * _MOST)(), ctypes.c_uint32(_MOST), ctypes.c_uint32()
    result: int = lib().bpf_prog_query(
        ifindex, int(direction), 0, ctypes.byref(flags), ids, ctypes.byref(count)
    )
    if result < 0:
        number = ctypes.get_errno() or -result
        if number == errno.EINVAL:
            return []
        raise OSError(number, os.strerror(number))
    return list(ids[: count.value])
