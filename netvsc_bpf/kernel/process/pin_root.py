# SPDX-License-Identifier: GPL-2.0-only
"""Opens and verifies netvsc-bpf's folder in bpffs, before anything in it is trusted, handed over or removed.

A bpffs that was mounted by hand is like /tmp: any user may create a folder or symlink with that name. So the
folder must be a directory on a bpffs, not a symlink; owned by root, by this process's user, or by the user
of the service; and without permissions for others. systemd mounts bpffs for root only (mode 0700): there root
has to make the path traversable and to create the folder (deploy/systemd).

The user of the service is the one with the name `netvsc-bpf` (deploy/sysusers.d), which only root can create.
What root creates in that user's folder is chowned to that user (pin_files.py).
"""

import ctypes
import errno
import os
import pwd
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from netvsc_bpf.model.errors import MissingCapability, UntrustedFolder

SERVICE_USER = "netvsc-bpf"
BPF_FS_MAGIC = 0xCAFE4A11  # include/uapi/linux/magic.h
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_REMEDY = "check its contents, then remove it with `rm -r`, which follows no symlink"

_held = threading.local()


@dataclass(frozen=True, slots=True)
class OurRoot:
    """The folder, opened and verified."""

    path: Path
    fd: int
    uid: int
    """The owner of the folder and of what is created in it."""
    gid: int
    prefix: str
    """The beginning of all paths below it."""


def trusted(uid: int) -> bool:
    """Return whether files of this user are trusted: root, this process's user, the user of the service."""
    return uid in (0, os.geteuid()) or uid == _service_uid()


def open_root(path: Path) -> OurRoot:
    """Open the folder; the descriptor is the caller's to close.

    Raises FileNotFoundError, UntrustedFolder if the check fails, MissingCapability if this process has no
    access.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except PermissionError:
        raise _forbidden(path) from None
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        raise _untrusted(path, f"it is {_kind(path)}, not a folder") from None
    try:
        found = os.fstat(fd)
        _check(path, found, filesystem_type(fd))
    except BaseException:
        os.close(fd)
        raise
    return OurRoot(path, fd, found.st_uid, found.st_gid, f"{path}/")


def held_root() -> OurRoot | None:
    """Return the root that this thread holds open."""
    root: OurRoot | None = getattr(_held, "root", None)
    return root


@contextmanager
def opened(path: Path) -> Iterator[OurRoot]:
    """Open the folder for the block, or use the one that holding() holds. Raises as open_root() does."""
    root = held_root()
    if root is not None and root.path == path:
        yield root
        return
    root = open_root(path)
    try:
        yield root
    finally:
        os.close(root.fd)


@contextmanager
def holding(root: OurRoot) -> Iterator[None]:
    """Have opened() return this root in this thread for the block, so that it is verified only once."""
    before = held_root()
    _held.root = root
    try:
        yield
    finally:
        _held.root = before


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Open the folder once for everything that this thread does in the block; it need not exist."""
    try:
        root = open_root(path)
    except FileNotFoundError:
        yield
        return
    try:
        with holding(root):
            yield
    finally:
        os.close(root.fd)


def require_access(what: str, path: Path) -> bool:
    """Return whether the folder exists.

    Raises UntrustedFolder or MissingCapability, beginning with `what`, if it cannot be used.
    """
    try:
        os.close(open_root(path).fd)
    except FileNotFoundError:
        return False
    except (UntrustedFolder, MissingCapability) as error:
        raise type(error)(what, error.why, error.remedy) from None
    return True


class _StatFs(ctypes.Structure):
    """The head of struct statfs (statfs(2))."""

    _fields_ = [("type", ctypes.c_long), ("rest", ctypes.c_long * 31)]


def filesystem_type(fd: int) -> int:
    """Return the magic number of the file system that a descriptor is on."""
    answer = _StatFs()
    if _libc().fstatfs(fd, ctypes.byref(answer)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(answer.type)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _service_uid() -> int | None:
    try:
        return _uid(SERVICE_USER)
    except KeyError:
        return None


@cache
def _uid(user: str) -> int:
    """Look a user up. A failure is not cached: getpwnam(3) fails alike for "no such user" and EMFILE."""
    return pwd.getpwnam(user).pw_uid


def _check(path: Path, found: os.stat_result, magic: int) -> None:
    if magic != BPF_FS_MAGIC:
        raise _untrusted(path, "it is not on a bpffs")
    if not trusted(found.st_uid):
        service = "" if _service_uid() is None else f" or {SERVICE_USER}"
        raise _untrusted(
            path, f"it belongs to user {found.st_uid}, and is used only if root{service} created it"
        )
    if found.st_mode & _OTHERS:
        raise UntrustedFolder(
            f"cannot use {path}",
            f"users other than its owner have access to {path} (mode {found.st_mode & 0o7777:o})",
            f"check its contents, then chmod 700 {path}",
        )


def _untrusted(path: Path, why: str) -> UntrustedFolder:
    return UntrustedFolder(f"cannot use {path}", f"{path} is not trusted: {why}", _REMEDY)


def _forbidden(path: Path) -> MissingCapability:
    what = f"cannot use {path}"
    try:
        owner = os.lstat(path).st_uid
    except PermissionError:
        why = f"only root may enter {path.parent}"
        return MissingCapability(what, why, f"run as root, or chmod 711 it and chown {path}")
    who = "root" if owner == 0 else f"user {owner}"
    return MissingCapability(what, f"{path} belongs to {who}", "run as that user or root, or chown -R it")


def _kind(path: Path) -> str:
    return "a symlink" if path.is_symlink() else "a file"
