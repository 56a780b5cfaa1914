# SPDX-License-Identifier: GPL-2.0-only
"""Stores start and reason of a pair's drain, in a pinned map beside its links that no program reads.

Whether the pair is drained, and until when, is in `drained_until` (ebpf/abi.h). The note is written before
that is set and removed once the VF may be used again; it is valid only in between.
"""

import ctypes
from dataclasses import dataclass

from netvsc_bpf.kernel.bpf import pin_files, pinned_notes
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.model import names
from netvsc_bpf.model.drain import MAX_WHY_BYTES


class _Note(ctypes.Structure):
    _fields_ = [("at", ctypes.c_uint64), ("why", ctypes.c_char * (MAX_WHY_BYTES + 1))]


@dataclass(frozen=True, slots=True)
class DrainNote:
    """Start of a drain (CLOCK_BOOTTIME in ns), and its reason."""

    at: int
    why: str = ""


def write(where: NetnsPins, ifindex: int, note: DrainNote) -> None:
    """Write the note of the pair of this synthetic NIC, atomically replacing an earlier one.

    The caller holds the writer lock. Raises KernelError; ValueError for a reason that is too long.
    """
    raw = names.encode(note.why)
    if len(raw) > MAX_WHY_BYTES:
        raise ValueError(f"{len(raw)} bytes")
    pinned_notes.write(_Note(note.at, raw), where.drain_note(ifindex), where.new_drain_note(ifindex))


def read(where: NetnsPins, ifindex: int) -> DrainNote | None:
    """Return the note of a pair, None if there is none, or another map is pinned there."""
    found = pinned_notes.read(where.drain_note(ifindex), _Note)
    if found is None:
        return None
    return DrainNote(found.at, names.decode(found.why))


def remove(where: NetnsPins, ifindex: int) -> None:
    """Remove the note of a pair; does nothing if there is none."""
    pin_files.unlink(where.drain_note(ifindex))
