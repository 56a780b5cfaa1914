# SPDX-License-Identifier: GPL-2.0-only
"""File operations below netvsc-bpf's folder in bpffs, by descriptors, so that no symlink can redirect them.

The folder is opened and verified (pin_root.py), the rest of the path is resolved from there without following
symlinks (openat2.py), and the object at its end is opened before it is used. Symlinks are created, read and
removed, but never followed.

The owner of the folder may be the service's user, who can replace anything in it between two steps. The
replacement is then that user's own object, because no other can be brought into the folder, except by a hard
link if fs.protected_hardlinks is 0. So an object with a second name is neither detached nor handed over.

bpf(2) takes a path. BPF_F_PATH_FD (Linux 6.5) would take a descriptor of the folder, but follows a symlink at
the end of the name; /proc/self/fd/N refers to the inode that was checked, on every kernel.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from errno import ELOOP, ENOTDIR
from pathlib import Path

from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.kernel.bpf.pin_layout import ROOT_NAME
from netvsc_bpf.kernel.process.openat2 import open_beneath
from netvsc_bpf.kernel.process.pin_root import OurRoot, held_root, opened, trusted
from netvsc_bpf.model.errors import NetvscBpfError, UntrustedFolder

_ROOT = f"/{ROOT_NAME}"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_ITSELF = os.O_PATH | os.O_NOFOLLOW
_MODE = 0o700
_DEEPEST = 8
"""The maximum depth of folders to remove. netvsc-bpf's own depth is four; more may be an attack."""


def get(path: Path) -> int:
    """Open a pin (BPF_OBJ_GET); the descriptor is the caller's to close. Raises OSError, UntrustedFolder."""
    fd = _open(path, _ITSELF)
    try:
        found = os.fstat(fd)
        if stat.S_ISLNK(found.st_mode):
            raise _untrusted(path, "it is a symlink")
        if not trusted(found.st_uid):
            raise _untrusted(path, f"it belongs to user {found.st_uid}")
        return libbpf.obj_get(_by_descriptor(fd))
    finally:
        os.close(fd)


@contextmanager
def got(path: Path) -> Iterator[int]:
    """Open a pin for the block."""
    fd = get(path)
    try:
        yield fd
    finally:
        os.close(fd)


def pin(fd: int, path: Path) -> None:
    """Pin the object of a descriptor (BPF_OBJ_PIN). Raises OSError."""
    with _parent(path) as (root, folder, name):
        libbpf.obj_pin(fd, f"{_by_descriptor(folder)}/{name}")
        _hand_over(root, folder, name)


def inode(path: Path) -> int:
    """Return the inode number of a pin, folder or symlink; bpffs never reuses one. Raises OSError."""
    fd = _open(path, _ITSELF)
    try:
        return os.fstat(fd).st_ino
    finally:
        os.close(fd)


def exists(path: Path) -> bool:
    """Return whether anything with this name exists. Raises OSError."""
    try:
        inode(path)
    except FileNotFoundError:
        return False
    return True


def names(folder: Path) -> list[str]:
    """Return the names in a folder, sorted. Raises OSError."""
    with open_folder(folder) as fd:
        return sorted(os.listdir(fd))  # noqa: PTH208 - a descriptor


def walk(folder: Path) -> list[Path]:
    """Return all pins below a folder, sorted; none if the folder does not exist."""
    with suppress(FileNotFoundError), open_folder(folder) as fd:
        return list(_walk(fd, folder))
    return []


@contextmanager
def open_folder(folder: Path) -> Iterator[int]:
    """Open a folder for the block. Raises OSError."""
    with _opened(folder, _FOLDER) as (_, fd):
        yield fd


def make_folder(folder: Path) -> None:
    """Create a folder if it does not exist, in an existing one. Raises OSError."""
    with _parent(folder) as (root, parent, name):
        try:
            os.mkdir(name, _MODE, dir_fd=parent)
        except FileExistsError:
            kind = os.lstat(name, dir_fd=parent).st_mode
            if not stat.S_ISDIR(kind):
                raise _untrusted(
                    folder, "it is a symlink" if stat.S_ISLNK(kind) else "it is a file"
                ) from None
            return
        _hand_over(root, parent, name)


def make_symlink(text: str, path: Path) -> None:
    """Create a symlink with this text. Raises OSError."""
    with _parent(path) as (root, folder, name):
        os.symlink(text, name, dir_fd=folder)
        _hand_over(root, folder, name)


def read_symlink(path: Path) -> str:
    """Return the text of a symlink. Raises OSError: EINVAL if it is not a symlink."""
    with _parent(path) as (_, folder, name):
        return os.readlink(name, dir_fd=folder)


def rename(path: Path, target: Path) -> None:
    """Rename a pin or a folder atomically, replacing a pin of that name (simple_rename())."""
    with _parent(path) as (_, folder, name), _parent(target) as (_, target_folder, target_name):
        os.rename(name, target_name, src_dir_fd=folder, dst_dir_fd=target_folder)


def unlink(path: Path) -> None:
    """Remove a pin or a symlink; does nothing if there is none. Raises OSError."""
    with suppress(FileNotFoundError), _parent(path) as (_, folder, name):
        os.unlink(name, dir_fd=folder)


def remove_folder(folder: Path) -> None:
    """Remove an empty folder; does nothing if there is none. Raises OSError."""
    with suppress(FileNotFoundError), _parent(folder) as (_, parent, name):
        os.rmdir(name, dir_fd=parent)


def remove_pin(path: Path, detach: Callable[[int], None]) -> None:
    """Remove a pin after calling `detach` with a descriptor of the object; does nothing if there is none."""
    with suppress(FileNotFoundError), _parent(path) as (_, folder, name):
        _remove_pin(folder, name, detach)


def remove_tree(folder: Path, detach: Callable[[int], None]) -> None:
    """Remove a folder with its contents, each pin as remove_pin() does.

    Also removes a pin or symlink of that name. Does nothing if there is none. Raises OSError.
    """
    with suppress(FileNotFoundError), _parent(folder) as (_, parent, name):
        _remove(parent, name, detach, folder)


def _walk(fd: int, folder: Path) -> Iterator[Path]:
    for name in sorted(os.listdir(fd)):
        kind = os.lstat(name, dir_fd=fd).st_mode
        if stat.S_ISREG(kind):
            yield folder / name
        elif stat.S_ISDIR(kind):
            below = open_beneath(fd, name, _FOLDER)
            try:
                yield from _walk(below, folder / name)
            finally:
                os.close(below)


def _remove(parent: int, name: str, detach: Callable[[int], None], of: Path, depth: int = 0) -> None:
    if depth > _DEEPEST:
        raise _untrusted(of, f"it has more than {_DEEPEST} levels of folders")
    try:
        fd = open_beneath(parent, name, _FOLDER)
    except OSError as error:
        if error.errno not in (ENOTDIR, ELOOP):
            raise
        _remove_pin(parent, name, detach)
        return
    try:
        for entry in os.listdir(fd):  # noqa: PTH208 - a descriptor
            with suppress(FileNotFoundError):
                _remove(fd, entry, detach, of, depth + 1)
    finally:
        os.close(fd)
    os.rmdir(name, dir_fd=parent)


def _remove_pin(folder: int, name: str, detach: Callable[[int], None]) -> None:
    fd = open_beneath(folder, name, _ITSELF)
    try:
        found = os.fstat(fd)
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and trusted(found.st_uid):
            held = libbpf.obj_get(_by_descriptor(fd))
            try:
                detach(held)
            finally:
                os.close(held)
    finally:
        os.close(fd)
    os.unlink(name, dir_fd=folder)


def _hand_over(root: OurRoot, folder: int, name: str) -> None:
    """Chown an object that root has just created to the owner of the folder, who needs access to it."""
    if root.uid == os.geteuid() or os.geteuid() != 0:
        return
    fd = open_beneath(folder, name, _ITSELF)
    try:
        made = os.fstat(fd)
        # The link count of a folder also counts itself and the folders in it.
        single = stat.S_ISDIR(made.st_mode) or made.st_nlink == 1
        if made.st_uid == 0 and single:
            os.chown(_by_descriptor(fd), root.uid, root.gid)
    finally:
        os.close(fd)


def _by_descriptor(fd: int) -> str:
    return f"/proc/self/fd/{fd}"


def _split(path: Path) -> tuple[Path, str]:
    """Split a path into netvsc-bpf's folder and the rest."""
    text = str(path)
    end = text.rfind(_ROOT + "/")
    if end < 0:
        if text.endswith(_ROOT):
            return path, "."
        raise NetvscBpfError(f"refusing to use {path}", f"it is not below a folder {ROOT_NAME}")
    end += len(_ROOT)
    return Path(text[:end]), text[end + 1 :]


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[tuple[OurRoot, int]]:
    where, rest = _split(path)
    with opened(where) as root:
        fd = _open_in(root, rest, flags, path)
        try:
            yield root, fd
        finally:
            os.close(fd)


def _open(path: Path, flags: int) -> int:
    """Open an object below the folder, which is opened as well unless this thread holds it open."""
    text, root = str(path), held_root()
    # The fast case first: a scrape takes it some hundred times.
    if root is not None and text.startswith(root.prefix):
        return _open_in(root, text[len(root.prefix) :], flags, path)
    where, rest = _split(path)
    with opened(where) as root:
        return _open_in(root, rest, flags, path)


def _open_in(root: OurRoot, rest: str, flags: int, path: Path) -> int:
    try:
        return open_beneath(root.fd, rest, flags)
    except OSError as error:
        if error.errno != ELOOP:
            raise
        raise _untrusted(path, "it is a symlink, or in a folder that is one") from None


@contextmanager
def _parent(path: Path) -> Iterator[tuple[OurRoot, int, str]]:
    with _opened(path.parent, _FOLDER) as (root, folder):
        yield root, folder, path.name


def _untrusted(path: Path, why: str) -> UntrustedFolder:
    return UntrustedFolder(f"cannot use {path}", f"{why}, which netvsc-bpf did not create", "remove it")
