# SPDX-License-Identifier: GPL-2.0-only
"""The four system calls that Python 3.11 does not have: unshare, setns, mount, umount2.

Each raises OSError with the kernel's errno. Constants are those of <sched.h> and <sys/mount.h>.
"""

import ctypes
import os
from enum import IntFlag


class Clone(IntFlag):
    """The kinds of namespaces for unshare(2) and setns(2)."""

    NEWNS = 0x0002_0000
    NEWNET = 0x4000_0000


class Mount(IntFlag):
    """Flags of mount(2)."""

    NONE = 0
    NOSUID = 2
    NODEV = 4
    NOEXEC = 8
    BIND = 4096
    REC = 16384
    PRIVATE = 1 << 18


MNT_DETACH = 2


def unshare(what: Clone) -> None:
    """Move the calling thread into new namespaces."""
    _check("unshare", _libc().unshare(ctypes.c_int(what)))


def setns(fd: int, what: Clone) -> None:
    """Move the calling thread only into the namespace of ``fd``."""
    _check("setns", _libc().setns(ctypes.c_int(fd), ctypes.c_int(what)))


def mount(source: str, target: str, kind: str | None, flags: Mount) -> None:
    """Mount ``source`` on ``target``; ``kind`` is None for a bind mount or a change of propagation."""
    name = None if kind is None else os.fsencode(kind)
    result = _libc().mount(os.fsencode(source), os.fsencode(target), name, ctypes.c_ulong(flags), None)
    _check(f"mount {target}", result)


def unmount(target: str) -> None:
    """Unmount ``target`` lazily: the mount is gone from the tree, and freed with its last user."""
    _check(f"umount {target}", _libc().umount2(os.fsencode(target), ctypes.c_int(MNT_DETACH)))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(what: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
