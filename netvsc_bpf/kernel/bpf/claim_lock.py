# SPDX-License-Identifier: GPL-2.0-only
"""The manager's claim on a network namespace: a lock on a folder in bpffs.

Only root and the user of the service can access the folder (pin_root.py), and the kernel releases the lock
when the process ends. The folder contains the name of the manager's socket, as the text of a symlink. The
name is random, so that another user cannot bind it in advance.
"""

import errno
import fcntl
import os
import time
from contextlib import suppress

from netvsc_bpf.kernel.bpf import links, pin_files
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import writer_lock

_SOCKET = "socket"
_TIMEOUT_S = 1.0
"""A process that checks for a manager holds a shared lock for some microseconds."""
_POLL_S = 0.01

_ours: set[tuple[int, int]] = set()
"""The folders (device, inode) that this process has locked."""


class FolderLock:
    """The lock, held until close()."""

    def __init__(self, where: NetnsPins, fd: int) -> None:
        self._where, self._fd = where, fd
        self._identity = _identity(fd)
        _ours.add(self._identity)

    def close(self) -> None:
        """Release the lock, and remove the folder."""
        try:
            with writer_lock.writer(self._where.root):
                pin_files.remove_tree(self._where.claim, links.detach)
        finally:
            _ours.discard(self._identity)
            os.close(self._fd)


def take(where: NetnsPins, socket_name: str) -> FolderLock | None:
    """Take the lock, and store the socket's name; None if another process holds the lock.

    Raises Busy if the writer lock is not released in time, UntrustedFolder, KernelError.
    """
    with writer_lock.writer(where.root):
        pin_files.make_folder(where.claim)
        with pin_files.open_folder(where.claim) as opened:
            fd = os.dup(opened)
        if not _lock(fd):
            os.close(fd)
            return None
        try:
            pin_files.unlink(where.claim / _SOCKET)
            pin_files.make_symlink(socket_name, where.claim / _SOCKET)
        except BaseException:
            os.close(fd)
            raise
    return FolderLock(where, fd)


def is_taken(where: NetnsPins) -> bool:
    """Return whether another process holds the lock."""
    with suppress(FileNotFoundError), pin_files.open_folder(where.claim) as fd:
        return _identity(fd) not in _ours and not _try(fd, fcntl.LOCK_SH)
    return False


def socket_name(where: NetnsPins) -> str | None:
    """Return the name of the socket of the manager that holds the lock; None if there is none."""
    if not is_taken(where):
        return None
    try:
        return pin_files.read_symlink(where.claim / _SOCKET)
    except FileNotFoundError:
        return None


def clear(where: NetnsPins) -> None:
    """Remove the folder left by a manager that was killed; the caller holds the writer lock."""
    with suppress(FileNotFoundError), pin_files.open_folder(where.claim) as fd:
        if _identity(fd) not in _ours and _try(fd, fcntl.LOCK_EX):
            pin_files.remove_tree(where.claim, links.detach)


def _identity(fd: int) -> tuple[int, int]:
    found = os.fstat(fd)
    return found.st_dev, found.st_ino


def _lock(fd: int) -> bool:
    deadline = time.monotonic() + _TIMEOUT_S
    while not _try(fd, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _try(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno != errno.EWOULDBLOCK:
            raise
        return False
    return True
