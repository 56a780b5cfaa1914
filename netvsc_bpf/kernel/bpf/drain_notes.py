# SPDX-License-Identifier: GPL-2.0-only
"""Stores start, reason and owner of a pair's drain, in a pinned map beside its links that no program reads.

Whether the pair is drained, and until when, is in `drained_until` (ebpf/abi.h). The note is written before
that is set and removed once the VF may be used again; it is valid only in between.
"""

import ctypes
from dataclasses import dataclass

from netvsc_bpf.kernel.bpf import pin_files, pinned_notes
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
    found = _Note(note.at, raw, _OWNERS.index(note.by))
    pinned_notes.write(found, where.drain_note(ifindex), where.new_drain_note(ifindex))


def read(where: NetnsPins, ifindex: int) -> DrainNote | None:
    """Return the note of a pair, None if there is none, or another map is pinned there."""
    found = pinned_notes.read(where.drain_note(ifindex), _Note)
    if found is None:
        return None
    by = _OWNERS[found.by] if found.by < len(_OWNERS) else DrainedBy.OPERATOR
    return DrainNote(found.at, names.decode(found.why), by)


def remove(where: NetnsPins, ifindex: int) -> None:
    """Remove the note of a pair; does nothing if there is none."""
    pin_files.unlink(where.drain_note(ifindex))
