# SPDX-License-Identifier: GPL-2.0-only
"""Stores the options that `attach` was given for a pair, in a pinned map beside its links.

So they outlive every process, and end with the pair. No program reads them.
"""

import ctypes
from dataclasses import dataclass, field
from typing import TypeVar

from netvsc_bpf.kernel.bpf import pin_files, pinned_notes
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.model import names
from netvsc_bpf.model.attach_choice import AttachChoice
from netvsc_bpf.model.path import GuardMode, ReturnPolicy, RxMode, XdpPolicy

_ALTIFNAMSIZ = 128  # linux/if.h, with the final zero
_BOOLS = (None, False, True)
_RX = (None, RxMode.REDIRECT, RxMode.KERNEL)
_GUARD = (None, GuardMode.OFF, GuardMode.MULTICAST, GuardMode.ALL, GuardMode.EVIDENCE)
_XDP = (None, XdpPolicy.WARN, XdpPolicy.REQUIRE)
_RETURN = (None, ReturnPolicy.AUTO, ReturnPolicy.MANUAL)
"""By number in the note; another version has to find the same meaning."""
_Word = TypeVar("_Word")


class _Note(ctypes.Structure):
    _fields_ = [
        ("vf", ctypes.c_char * _ALTIFNAMSIZ),  # empty: not chosen
        ("settle_ms", ctypes.c_uint32),  # 0: not chosen
        ("any_bus", ctypes.c_uint8),
        ("rx", ctypes.c_uint8),
        ("guard", ctypes.c_uint8),
        ("xdp", ctypes.c_uint8),
        ("return_", ctypes.c_uint8),
    ]


@dataclass(slots=True)
class AttachNotes:
    """Reads notes again and again: one that was not replaced since is not opened. bpffs reuses no inode."""

    _read: dict[int, tuple[int, AttachChoice]] = field(default_factory=dict)

    def of(self, where: NetnsPins, ifindex: int) -> AttachChoice:
        """Return the note of the pair of this synthetic NIC, as read(). Raises OSError, UntrustedFolder."""
        try:
            inode = pin_files.inode(where.attach_note(ifindex))
        except FileNotFoundError:
            self._read.pop(ifindex, None)
            return AttachChoice()
        before = self._read.get(ifindex)
        if before is None or before[0] != inode:
            before = self._read[ifindex] = inode, read(where, ifindex)
        return before[1]


def write(where: NetnsPins, ifindex: int, choice: AttachChoice) -> None:
    """Write the note of the pair of this synthetic NIC; without a choice there is none.

    The caller holds the writer lock. Raises KernelError, OSError.
    """
    if not choice:
        remove(where, ifindex)
        return
    note = _Note(
        names.encode(choice.vf or ""),
        choice.settle_ms or 0,
        _BOOLS.index(choice.any_bus),
        _RX.index(choice.rx),
        _GUARD.index(choice.guard),
        _XDP.index(choice.xdp),
        _RETURN.index(choice.return_),
    )
    pinned_notes.write(note, where.attach_note(ifindex), where.new_attach_note(ifindex))


def read(where: NetnsPins, ifindex: int) -> AttachChoice:
    """Return what was chosen for a pair; nothing if there is no note. Raises OSError, UntrustedFolder."""
    note = pinned_notes.read(where.attach_note(ifindex), _Note)
    if note is None:
        return AttachChoice()
    return AttachChoice(
        vf=names.decode(note.vf) or None,
        any_bus=_word(_BOOLS, note.any_bus),
        settle_ms=note.settle_ms or None,
        rx=_word(_RX, note.rx),
        guard=_word(_GUARD, note.guard),
        xdp=_word(_XDP, note.xdp),
        return_=_word(_RETURN, note.return_),
    )


def remove(where: NetnsPins, ifindex: int) -> None:
    """Remove the note of a pair; does nothing if there is none."""
    pin_files.unlink(where.attach_note(ifindex))


def _word(words: tuple[_Word | None, ...], number: int) -> _Word | None:
    """Return the word with this number; None for one that only a later version has."""
    return words[number] if number < len(words) else None
