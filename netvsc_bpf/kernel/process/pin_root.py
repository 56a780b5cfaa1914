# SPDX-License-Identifier: GPL-2.0-only
"""Our folder in bpffs, opened: it is looked at before anything in it is believed, given away or removed.

Where bpffs was mounted by hand it is as /tmp: any user may make a folder of our name in it, or a symlink. So
ours is a directory on a bpffs, and no symlink to one; it belongs to root, to this process's own user, or to
the user of the service; and nobody else has any permission in it. systemd mounts bpffs for root alone
(mode 0700): there root has to open the way and to make the folder (deploy/systemd).

The user of the service is the one that has the name `netvsc-bpf` (deploy/sysusers.d): only root gives names.
What root makes in that user's folder is given to it when it is made (pin_files.py).
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
_REMEDY = "see what is in it, then `rm -r` it: no link in it is followed by that"

_held = threading.local()


@dataclass(frozen=True, slots=True)
class OurRoot:
    """The folder, open and found to be ours."""

    path: Path
    fd: int
    uid: int
    """Who owns it, and with it what is made in it."""
    gid: int
    prefix: str
    """What the paths below it begin with."""


def trusted(uid: int) -> bool:
    """Tell whether what belongs to this user may be believed: root's, our own, the service's."""
    return uid in (0, os.geteuid()) or uid == _service_uid()


def open_root(path: Path) -> OurRoot:
    """Open the folder; the descriptor is the caller's to close.

    Raises FileNotFoundError, UntrustedFolder where it is not ours, MissingCapability where it is, but not for
    this process.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except PermissionError:
        raise _forbidden(path) from None
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        raise _untrusted(path, f"it is {_kind(path)}, and no folder") from None
    try:
        found = os.fstat(fd)
        _check(path, found, filesystem_type(fd))
    except BaseException:
        os.close(fd)
        raise
    return OurRoot(path, fd, found.st_uid, found.st_gid, f"{path}/")


def held_root() -> OurRoot | None:
    """Return the one that this thread holds."""
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
    """Have opened() give this one to this thread for the block: looked at once, whatever is done below it."""
    before = held_root()
    _held.root = root
    try:
        yield
    finally:
        _held.root = before


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Open the folder once for all that this thread does in the block; there may be none."""
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
    """Tell whether there is such a folder.

    Raises UntrustedFolder or MissingCapability, saying that `what` fails, where it is not ours to use.
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
    """Look a user up. A failure is not cached: getpwnam(3) has one for "none" and for EMFILE alike."""
    return pwd.getpwnam(user).pw_uid


def _check(path: Path, found: os.stat_result, magic: int) -> None:
    if magic != BPF_FS_MAGIC:
        raise _untrusted(path, "it is on no bpffs")
    if not trusted(found.st_uid):
        service = "" if _service_uid() is None else f" or {SERVICE_USER}"
        raise _untrusted(
            path, f"it belongs to user {found.st_uid}, and is used only if root{service} made it"
        )
    if found.st_mode & _OTHERS:
        raise UntrustedFolder(
            f"cannot use {path}",
            f"others than its owner have rights in {path} (mode {found.st_mode & 0o7777:o})",
            f"see what is in it, then chmod 700 {path}",
        )


def _untrusted(path: Path, why: str) -> UntrustedFolder:
    return UntrustedFolder(f"cannot use {path}", f"{path} is not ours: {why}", _REMEDY)


def _forbidden(path: Path) -> MissingCapability:
    what = f"cannot use {path}"
    try:
        owner = os.lstat(path).st_uid
    except PermissionError:
        why = f"{path.parent} lets nobody but root in"
        return MissingCapability(what, why, f"run as root, or chmod 711 it and chown {path}")
    who = "root" if owner == 0 else f"user {owner}"
    return MissingCapability(what, f"{path} belongs to {who}", "run as that user or root, or chown -R it")


def _kind(path: Path) -> str:
    return "a symlink" if path.is_symlink() else "a file"
