# SPDX-License-Identifier: GPL-2.0-only
"""Being asked before system calls of a child process: seccomp's user notification (seccomp_unotify(2)).

The child and all that it starts wait at each call until the supervisor answered: go on, or an errno in place
of the call. Nothing of the program under test knows of it. Layouts: include/uapi/linux/seccomp.h.
"""

import ctypes
import errno
import fcntl
import os
import platform
import struct
from collections.abc import Iterable

_SECCOMP = {"x86_64": 317, "aarch64": 277}[platform.machine()]
_SET_MODE_FILTER, _NEW_LISTENER = 1, 1 << 3
_NOTIFY, _ALLOW = 0x7FC00000, 0x7FFF0000
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_GO_ON = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE
_NOTIFICATION = struct.Struct("=QII iI Q 6Q")
_ANSWER = struct.Struct("=QqiI")
_FD_OF_MMAP = 16 + 4 * 8
"""Offset of the low half of the fifth argument in struct seccomp_data; both machines are little-endian."""


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def listen(calls: Iterable[int], mmap: int) -> int:
    """Have this process ask before each of these calls, and before mmap of files; return the listener."""
    numbers = list(calls)
    program = [_instruction(0x20, 0)]  # load the number of the call
    # Equal: to the last of all, which asks.
    program += [_instruction(0x15, number, len(numbers) - at + 3) for at, number in enumerate(numbers)]
    program += [
        _instruction(0x15, mmap, 0, 2),
        _instruction(0x20, _FD_OF_MMAP),
        _instruction(0x15, 0xFFFFFFFF, 0, 1),
        _instruction(0x06, _ALLOW),
        _instruction(0x06, _NOTIFY),
    ]
    code = b"".join(program)
    fprog = _Program(len(program), code)
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(_SECCOMP, _SET_MODE_FILTER, _NEW_LISTENER, ctypes.byref(fprog))
    if fd < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(fd)


def _instruction(code: int, value: int, true: int = 0, false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, true, false, value)


class Asked:
    """One call that waits for its answer."""

    def __init__(self, raw: bytes) -> None:
        self._id, self.thread, _, self.number, _, _, *self.arguments = _NOTIFICATION.unpack(raw)


def receive(listener: int) -> Asked | None:
    """Take the next question; None if the caller was killed meanwhile."""
    raw = bytearray(_NOTIFICATION.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, raw)
    except FileNotFoundError:
        return None
    return Asked(bytes(raw))


def answer(listener: int, asked: Asked, number: int = 0) -> None:
    """Let it go on, or fail with an errno."""
    raw = _ANSWER.pack(asked._id, 0, -number, 0 if number else _GO_ON)
    try:
        fcntl.ioctl(listener, _SEND, bytearray(raw))
    except OSError as error:
        if error.errno != errno.ENOENT:  # it was killed
            raise
