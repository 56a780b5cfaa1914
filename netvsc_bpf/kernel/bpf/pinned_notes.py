# SPDX-License-Identifier: GPL-2.0-only
"""Notes about a pair: small structs in pinned maps beside its links, which no program reads.

A note is replaced atomically: a new map is filled, frozen, pinned beside the old one, and renamed.
"""

import ctypes
import os
from pathlib import Path
from typing import TypeVar

from netvsc_bpf.kernel.bpf import libbpf, pin_files, pins

_Note = TypeVar("_Note", bound=ctypes.Structure)


def write(note: ctypes.Structure, path: Path, beside: Path) -> None:
    """Pin a note at `path`, replacing an earlier one; `beside` is where it is pinned first.

    The caller holds the writer lock. Raises KernelError, OSError.
    """
    fd = libbpf.array_create(path.name, ctypes.sizeof(note))
    try:
        libbpf.map_update(fd, 0, note)
        libbpf.map_freeze(fd)
        pin_files.unlink(beside)  # left by a process that was killed
        pins.make(fd, beside)
    finally:
        os.close(fd)
    pins.move(beside, path)


def read(path: Path, kind: type[_Note]) -> _Note | None:
    """Return a note, None if there is none, or a map of another shape is pinned there. Raises OSError."""
    found = kind()
    try:
        with pin_files.got(path) as fd:
            info = libbpf.info(fd, libbpf.MapInfo)
            if (info.type, info.value_size) != (libbpf.ARRAY, ctypes.sizeof(kind)):
                return None
            libbpf.map_lookup(fd, 0, found)
    except FileNotFoundError:
        return None
    return found
