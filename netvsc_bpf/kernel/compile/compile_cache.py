# SPDX-License-Identifier: GPL-2.0-only
"""Keeps compiled programs on disk: compiling takes ten times as long as loading them.

An entry is found again only for the same text, macros, kernel, bcc and format. The folder is systemd's
$CACHE_DIRECTORY, else /var/cache/netvsc-bpf, and is optional: where it cannot be written, or is not trusted,
everything is compiled each time.

What is loaded from here runs in the kernel. So the folder must belong to root or to this process's own user,
and not be writable by others; the same holds for each file. Root does not use the folder of the service's
user.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from netvsc_bpf.kernel.compile.compiled import Compiled, dumped
from netvsc_bpf.kernel.compile.installed_bcc import bcc_version

FOLDER = Path("/var/cache/netvsc-bpf")
ENTRIES = 8
"""How many are kept: three fallback levels, of this version, the one before, and two kernels."""
_FORMAT = 1
_SUFFIX = ".json"
_ENTRY = re.compile(r"[0-9a-f]{64}\.(json|\d+)")
_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_DIGEST_BYTES = 32
_LARGEST = 4 << 20
"""Bytes; an entry has about 60 KB."""


def key(text: str, headers: str, macros: Mapping[str, int]) -> str | None:
    """Return the name of the entry for this input of the compiler; None where bcc is not installed."""
    version = bcc_version()
    if version is None:
        return None
    kernel = os.uname()
    facts = (_FORMAT, text, headers, sorted(macros.items()), version, *kernel[2:])
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def find(name: str | None) -> Compiled | None:
    """Return an entry; None if there is none that can be trusted and read completely."""
    if name is None:
        return None
    with suppress(OSError), _opened() as folder:
        # O_NONBLOCK: opening a FIFO would wait for its other end, before it is seen to be no file.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        fd = os.open(name + _SUFFIX, flags, dir_fd=folder)
        with os.fdopen(fd, "rb") as file:
            found = os.fstat(fd)
            if not (stat.S_ISREG(found.st_mode) and _trusted(found)) or found.st_size > _LARGEST:
                return None
            return _read(file.read())
    return None


def keep(name: str | None, compiled: Compiled) -> None:
    """Store an entry, and remove the oldest beyond ENTRIES. Does nothing where there is no place for it."""
    if name is None:
        return
    with suppress(OSError):
        folder().mkdir(mode=0o755, exist_ok=True)
    with suppress(OSError), _opened() as opened:
        body = dumped(compiled.to_json())
        unfinished = f"{name}.{os.getpid()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with suppress(FileNotFoundError):
            os.unlink(unfinished, dir_fd=opened)  # left by a process that was killed and had this number
        try:
            with os.fdopen(os.open(unfinished, flags, 0o644, dir_fd=opened), "wb") as file:
                file.write(hashlib.sha256(body).digest() + body)
            os.rename(unfinished, name + _SUFFIX, src_dir_fd=opened, dst_dir_fd=opened)
        except OSError:
            with suppress(FileNotFoundError):
                os.unlink(unfinished, dir_fd=opened)
            raise
        _remove_oldest(opened)


def has_entries() -> bool:
    """Return whether it is likely that nothing has to be compiled. Cheap, and a guess."""
    with suppress(OSError), _opened() as opened:
        return any(name.endswith(_SUFFIX) for name in _names(opened))
    return False


def folder() -> Path:
    """Return where entries are."""
    return Path(os.environ.get("CACHE_DIRECTORY") or FOLDER)


@contextmanager
def _opened() -> Iterator[int]:
    """Open the folder for the block. Raises OSError, PermissionError if it is not trusted."""
    fd = os.open(folder(), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not _trusted(os.fstat(fd)):
            raise PermissionError(f"{folder()} is not trusted")
        yield fd
    finally:
        os.close(fd)


def _trusted(found: os.stat_result) -> bool:
    return found.st_uid in (0, os.geteuid()) and not found.st_mode & _OTHERS


def _names(opened: int) -> list[str]:
    with os.scandir(opened) as found:
        return [entry.name for entry in found]


def _read(content: bytes) -> Compiled | None:
    digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        return None  # a full disk, or a file that was changed
    with suppress(KeyError, TypeError, ValueError):
        return Compiled.from_json(json.loads(body))
    return None


def _remove_oldest(opened: int) -> None:
    """Remove all but the newest files; what a process that was killed did not finish is one of them."""
    found = [name for name in _names(opened) if _ENTRY.fullmatch(name)]
    found.sort(key=lambda name: os.stat(name, dir_fd=opened, follow_symlinks=False).st_mtime_ns)
    for name in found[:-ENTRIES]:
        os.unlink(name, dir_fd=opened)
