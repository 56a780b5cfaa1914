# SPDX-License-Identifier: GPL-2.0-only
"""Writing the report: a tar archive, compressed, readable by its owner only."""

import errno
import io
import os
import stat
import tarfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.names import writable
from netvsc_bpf.report.mask import Mask
from netvsc_bpf.report.parts import Made

_MODE = 0o600
_SHARED = stat.S_ISVTX | stat.S_IWOTH
_MOST_LINKS = 40
README = "README.txt"


def contents(made: Sequence[Made], *, masked: bool) -> str:
    """Return what a report contains, for people."""
    lines = [f"{one.part.name:<15} {one.part.what}" for one in made if one.text is not None]
    lines += [f"{one.part.name:<15} MISSING: {_first_line(one)}" for one in made if one.text is None]
    if masked:
        lines.append(
            "MAC, IPv4 and IPv6 addresses are replaced, the same one by the same pseudonym throughout."
        )
    else:
        lines.append("Addresses are included as they are (--full).")
    lines.append("Names of interfaces and the reasons of drains are included: read it before you publish it.")
    return "\n".join(lines)


def packed(made: Sequence[Made], *, masked: bool) -> bytes:
    """Return the archive: a folder with a file for each part that was made, and a README."""
    mask = Mask() if masked else str
    folder, now = "netvsc-bpf-report", int(time.time())
    files = {one.part.name: mask(one.text) for one in made if one.text is not None}
    missing = "".join(
        f"\n{one.part.name} is missing:\n{one.why_missing}\n" for one in made if one.text is None
    )
    files[README] = mask(f"{contents(made, masked=masked)}\n{missing}")
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for name, text in files.items():
            data = writable(text).encode()
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mtime, entry.mode = len(data), now, _MODE
            archive.addfile(entry, io.BytesIO(data))
    return raw.getvalue()


def write(data: bytes, path: Path) -> None:
    """Write the archive, replacing a file of that name at the end. Raises NetvscBpfError.

    Only a regular file is replaced, and what a symbolic link names instead of the link: root could put an
    archive in the place of a device. Another user's link in a folder like /tmp is refused.
    """
    named = path
    try:
        path = _followed(path)
        if path.is_dir():
            raise IsADirectoryError(None, "it is a directory")
        if path.exists() and not path.is_file():
            raise OSError(None, "it is not a regular file")
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
            beside.replace(path)
        except BaseException:
            with suppress(OSError):
                beside.unlink()
            raise
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise NetvscBpfError(f"cannot write {named}", why, "choose another file with -o") from error


def _followed(path: Path) -> Path:
    """Return what a symbolic link names, or the path itself. Raises OSError.

    Links are followed where the kernel does it with fs.protected_symlinks (may_follow_link() in fs/namei.c).
    """
    for _ in range(_MOST_LINKS):
        if not path.is_symlink():
            return path
        owner, folder = path.lstat().st_uid, path.parent.stat()
        shared = folder.st_mode & _SHARED == _SHARED
        if shared and owner not in (os.geteuid(), folder.st_uid):
            raise PermissionError(None, "it is a symbolic link of another user")
        path = path.parent / path.readlink()
    raise OSError(None, os.strerror(errno.ELOOP))


def _first_line(one: Made) -> str:
    """Return the reason in one line: of a traceback the last one, which has the error."""
    return (one.why_missing or "").strip().split("\n")[-1]
