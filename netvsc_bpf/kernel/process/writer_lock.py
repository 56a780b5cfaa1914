# SPDX-License-Identifier: GPL-2.0-only
"""The writer lock: flock() on netvsc-bpf's folder in bpffs, released by the kernel when the process ends."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from netvsc_bpf.kernel.process import pin_root
from netvsc_bpf.kernel.process.pin_root import OurRoot
from netvsc_bpf.model.errors import Busy, KernelError, MissingCapability

_POLL_S = 0.02


@contextmanager
def writer(root: Path, *, timeout_s: float = 10.0) -> Iterator[None]:
    """Hold the lock on `root`, creating it if needed; at the end an empty folder is removed.

    In the block, everything that this thread does below the folder uses the lock's descriptor. Raises Busy
    after `timeout_s` seconds, UntrustedFolder.
    """
    ours = _acquire(root, time.monotonic() + timeout_s)
    try:
        with pin_root.holding(ours):
            yield
    finally:
        try:
            if _can_be_recreated(ours.fd, root):
                root.rmdir()
        except OSError as error:
            # EACCES: bpffs itself belongs to root, and root created this folder, as deploy/systemd does.
            if error.errno not in (errno.ENOTEMPTY, errno.ENOENT, errno.EACCES):
                raise
        finally:
            os.close(ours.fd)


def _acquire(root: Path, deadline: float) -> OurRoot:
    while True:
        ours = _open(root)
        try:
            fcntl.flock(ours.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(ours.fd)
            if time.monotonic() > deadline:
                raise Busy(
                    "cannot change the data path",
                    "another netvsc-bpf is changing it",
                    "wait for it, then try again",
                ) from None
            time.sleep(_POLL_S)
            continue
        except BaseException:
            os.close(ours.fd)
            raise
        # The previous holder may have removed the folder meanwhile: then the lock is on a deleted folder.
        if _same(ours.fd, root):
            return ours
        os.close(ours.fd)


def _open(root: Path) -> OurRoot:
    what = f"cannot use {root}"
    try:
        with suppress(FileExistsError):  # open_root() checks what it is
            root.mkdir(0o700)
        return pin_root.open_root(root)
    except FileNotFoundError:
        return _open(root)  # removed between the two calls
    except PermissionError as error:
        raise MissingCapability(
            what, os.strerror(error.errno or 0), f"run as root, or chown a folder {root} to this user"
        ) from None
    except OSError as error:
        raise KernelError(what, os.strerror(error.errno or 0), errno=error.errno) from error


def _can_be_recreated(fd: int, root: Path) -> bool:
    """Return whether this process could create the folder again: in systemd's bpffs only root can."""
    return os.fstat(fd).st_uid == os.geteuid() or bool(root.parent.stat().st_mode & stat.S_IWOTH)


def _same(fd: int, root: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), root.lstat())
    except FileNotFoundError:
        return False
