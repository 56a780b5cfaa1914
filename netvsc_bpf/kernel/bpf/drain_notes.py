# SPDX-License-Identifier: GPL-2.0-only
"""Since when a pair is drained, and why: a pinned map beside its links that no program reads.

Whether it is drained, and until when, the programs know by themselves (`drained_until`, ebpf/abi.h): the note
stands before that is set, and is removed when the VF may be used again: it counts only in between.
"""

import ctypes
import os
from dataclasses import dataclass

from netvsc_bpf.kernel.bpf import libbpf, pin_files, pins
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.model import names
from netvsc_bpf.model.drain import MAX_WHY_BYTES


class _Note(ctypes.Structure):
    _fields_ = [("at", ctypes.c_uint64), ("why", ctypes.c_char * (MAX_WHY_BYTES + 1))]


@dataclass(frozen=True, slots=True)
class DrainNote:
    """`at` is CLOCK_BOOTTIME in ns."""

    at: int
    why: str = ""


def write(where: NetnsPins, ifindex: int, note: DrainNote) -> None:
    """Note it for the pair of this synthetic NIC, in place of what was noted before; atomic.

    The caller holds the writer lock. Raises KernelError; ValueError for a reason that is too long.
    """
    raw = names.encode(note.why)
    if len(raw) > MAX_WHY_BYTES:
        raise ValueError(f"{len(raw)} bytes")
    fd = libbpf.array_create("drain", ctypes.sizeof(_Note))
    try:
        libbpf.map_update(fd, 0, _Note(note.at, raw))
        libbpf.map_freeze(fd)
        pin_files.unlink(where.new_drain_note(ifindex))  # of a process that was killed
        pins.make(fd, where.new_drain_note(ifindex))
    finally:
        os.close(fd)
    pins.move(where.new_drain_note(ifindex), where.drain_note(ifindex))


def read(where: NetnsPins, ifindex: int) -> DrainNote | None:
    """Return what is noted for a pair, None where nothing is, or no note of ours."""
    found = _Note()
    try:
        with pin_files.got(where.drain_note(ifindex)) as fd:
            info = libbpf.info(fd, libbpf.MapInfo)
            if (info.type, info.value_size) != (libbpf.ARRAY, ctypes.sizeof(_Note)):
                return None
            libbpf.map_lookup(fd, 0, found)
    except FileNotFoundError:
        return None
    return DrainNote(found.at, names.decode(found.why))


def remove(where: NetnsPins, ifindex: int) -> None:
    """Remove what is noted for a pair; nothing happens where nothing is."""
    pin_files.unlink(where.drain_note(ifindex))
