# SPDX-License-Identifier: GPL-2.0-only
"""openat2(2) (Linux 5.6), which Python lacks: opens a path below a directory without following symlinks.

If a seccomp filter forbids it (systemd's RestrictSUIDSGID does, with ENOSYS, because it cannot see the mode)
the components of the path are opened one by one.
"""

import ctypes
import errno
import os
import stat
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

    Raises OSError: ELOOP if any part of the path is a symlink, EXDEV if it leaves the directory or the
    file system. With O_PATH | O_NOFOLLOW a symlink at the end is opened itself.
    """
    fd: int = _syscall()(_NUMBER, folder, os.fsencode(path), _how(flags), _SIZE)
    if fd >= 0:
        return fd
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EPERM):
        return walk(folder, path, flags)
    raise OSError(number, os.strerror(number), path)


def walk(folder: int, path: str, flags: int) -> int:
    """Do the same as open_beneath() with openat(2) only."""
    *folders, last = path.split("/")
    device, current = os.fstat(folder).st_dev, os.dup(folder)
    try:
        for name in folders:
            below = _step(current, name, os.O_PATH | os.O_DIRECTORY, device)
            os.close(current)
            current = below
        return _step(current, last, flags, device)
    finally:
        os.close(current)


def _step(folder: int, name: str, flags: int, device: int) -> int:
    try:
        fd = os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except NotADirectoryError:
        if stat.S_ISLNK(os.lstat(name, dir_fd=folder).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name) from None
        raise
    if os.fstat(fd).st_dev != device:
        os.close(fd)
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), name)
    return fd
