# SPDX-License-Identifier: GPL-2.0-only
"""openat2(2) (Linux 5.6), which Python lacks: a path is walked from a directory and follows no symlink."""

import ctypes
import os
from functools import cache

_NUMBER = 437
"""The same on every architecture (include/uapi/asm-generic/unistd.h)."""
_NO_XDEV, _NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 1, 2, 4, 8  # RESOLVE_*, include/uapi/linux/openat2.h


class _How(ctypes.Structure):
    """struct open_how."""

    _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]


@cache
def _syscall() -> "ctypes._NamedFuncPointer":
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    call.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t]
    return call


_SIZE = ctypes.sizeof(_How)


@cache
def _how(flags: int) -> "ctypes._CArgObject":
    return ctypes.byref(_How(flags | os.O_CLOEXEC, 0, _NO_XDEV | _NO_MAGICLINKS | _NO_SYMLINKS | _BENEATH))


def open_beneath(folder: int, path: str, flags: int) -> int:
    """Open `path`, relative to a directory's descriptor; the descriptor is the caller's to close.

    Raises OSError: ELOOP where any part of the path is a symlink, EXDEV where it leaves the directory or the
    file system. With O_PATH | O_NOFOLLOW a symlink at the end is opened itself.
    """
    fd: int = _syscall()(_NUMBER, folder, os.fsencode(path), _how(flags), _SIZE)
    if fd < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return fd
