# SPDX-License-Identifier: GPL-2.0-only
"""Returns the name of a loaded program, also of a foreign one."""

import ctypes
import os

from netvsc_bpf.kernel.bpf import libbpf


class _NamedProgInfo(ctypes.Structure):
    """The beginning of struct bpf_prog_info up to the name (include/uapi/linux/bpf.h)."""

    _fields_ = [
        ("type", ctypes.c_uint32),
        ("id", ctypes.c_uint32),
        ("tag", ctypes.c_uint8 * 8),
        ("lengths", ctypes.c_uint32 * 2),
        ("instructions", ctypes.c_uint64 * 2),
        ("load_time", ctypes.c_uint64),
        ("uid_and_maps", ctypes.c_uint32 * 2),
        ("map_ids", ctypes.c_uint64),
        ("name", ctypes.c_char * 16),
        ("rest", ctypes.c_uint8 * 160),
    ]


def program_name(prog_id: int) -> str | None:
    """Return the name, at most 15 characters; None if it has none, is gone, or may not be queried.

    Opening a program by id requires CAP_SYS_ADMIN (bpf_prog_get_fd_by_id(), kernel/bpf/syscall.c).
    """
    fd: int = libbpf.lib().bpf_prog_get_fd_by_id(prog_id)
    if fd < 0:
        return None
    try:
        name = bytes(libbpf.info(fd, _NamedProgInfo).name)
    finally:
        os.close(fd)
    return name.decode(errors="replace") or None
