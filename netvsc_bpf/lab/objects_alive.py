# SPDX-License-Identifier: GPL-2.0-only
"""Which BPF objects of a lab still exist. Other programs use BPF as well, so objects are identified by id."""

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

from netvsc_bpf.kernel.bpf import libbpf

Object = tuple[str, int]
"""The kind (map, prog, link) and the kernel's number, which is never given twice."""


def pinned(paths: Iterable[Path]) -> set[Object]:
    """Return what the pins refer to."""
    found = set()
    for path in paths:
        if not path.is_file():
            continue
        fd = libbpf.obj_get(path)
        try:
            kind = str(Path(f"/proc/self/fd/{fd}").readlink()).rpartition("bpf")[2].strip("-_")
            # All three infos begin with type and id.
            found.add((kind, int(libbpf.info(fd, libbpf.LinkInfo).id)))
        finally:
            os.close(fd)
    return found


def alive(objects: Iterable[Object]) -> set[Object]:
    """Return those that still exist."""
    still = set()
    for kind, number in objects:
        fd = getattr(libbpf.lib(), f"bpf_{kind}_get_fd_by_id")(ctypes.c_uint32(number))
        if fd >= 0:
            os.close(fd)
            still.add((kind, number))
    return still
