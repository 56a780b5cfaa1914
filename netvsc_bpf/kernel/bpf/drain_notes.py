# SPDX-License-Identifier: GPL-2.0-only
"""Stores start, reason and owner of a pair's drain, in a pinned map beside its links that no program reads.

Whether the pair is drained, and until when, is in `drained_until` (ebpf/abi.h). The note is written before
that is set and removed once the VF may be used again; it is valid only in between.
"""

import ctypes
import os
from dataclasses import dataclass

from netvsc_bpf.kernel.bpf import libbpf, pin_files, pins
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.model import names
from netvsc_bpf.model.drain import MAX_WHY_BYTES, DrainedBy

_OWNERS = (DrainedBy.OPERATOR, DrainedBy.MAINTENANCE)
"""By their number in the note. A number that this version does not know counts as the operator's."""


class _Note(ctypes.Structure):
    # `by` is in what was padding in earlier versions: they wrote 0 there, and ignore it.
    _fields_ = [
        ("at", ctypes.c_uint64),
        ("why", ctypes.c_char * (MAX_WHY_BYTES + 1)),
        ("by", ctypes.c_uint8),
    ]


@dataclass(frozen=True, slots=True)
class DrainNote:
    """Start of a drain (CLOCK_BOOTTIME in ns), its reason, and who drained the pair."""

    at: int
    why: str = ""
    by: DrainedBy = DrainedBy.OPERATOR


def write(where: NetnsPins, ifindex: int, note: DrainNote) -> None:
    """Write the note of the pair of this synthetic NIC, atomically replacing an earlier one.

    The caller holds the writer lock. Raises KernelError; ValueError for a reason that is too long.
    """
    raw = names.encode(note.why)
    if len(raw) > MAX_WHY_BYTES:
        raise ValueError(f"{len(raw)} bytes")
    fd = libbpf.array_create("drain", ctypes.sizeof(_Note))
    try:
        libbpf.map_update(fd, 0, _Note(note.at, raw, _OWNERS.index(note.by)))
        libbpf.map_freeze(fd)
        pin_files.unlink(where.new_drain_note(ifindex))  # left by a process that was killed
        pins.make(fd, where.new_drain_note(ifindex))
    finally:
        os.close(fd)
    pins.move(where.new_drain_note(ifindex), where.drain_note(ifindex))


def read(where: NetnsPins, ifindex: int) -> DrainNote | None:
    """Return the note of a pair, None if there is none, or another map is pinned there."""
    found = _Note()
    try:
        with pin_files.got(where.drain_note(ifindex)) as fd:
            info = libbpf.info(fd, libbpf.MapInfo)
            if (info.type, info.value_size) != (libbpf.ARRAY, ctypes.sizeof(_Note)):
                return None
            libbpf.map_lookup(fd, 0, found)
    except FileNotFoundError:
        return None
    by = _OWNERS[found.by] if found.by < len(_OWNERS) else DrainedBy.OPERATOR
    return DrainNote(found.at, names.decode(found.why), by)


def remove(where: NetnsPins, ifindex: int) -> None:
    """Remove the note of a pair; does nothing if there is none."""
    pin_files.unlink(where.drain_note(ifindex))
