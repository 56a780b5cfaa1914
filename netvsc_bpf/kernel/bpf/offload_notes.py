# SPDX-License-Identifier: GPL-2.0-only
"""Stores which receive offloads generic XDP has switched off, in a pinned map that no program reads.

The kernel does not switch them on again when the program is detached (generic_xdp_install(), net/core/dev.c).
"""

import ctypes
from collections.abc import Set as AbstractSet

from netvsc_bpf.kernel.bpf import pin_files, pinned_notes
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins

OFFLOADS = ("rx-lro", "rx-gro-hw")
"""By the kernel's names (netdev_features_strings, net/ethtool/common.c); the place is the bit in the note."""


class _Note(ctypes.Structure):
    _fields_ = [("offloads", ctypes.c_uint32)]


def write(where: NetnsPins, ifindex: int, offloads: AbstractSet[str]) -> None:
    """Write the note of the pair of this synthetic NIC. Raises KernelError, OSError."""
    bits = sum(1 << place for place, name in enumerate(OFFLOADS) if name in offloads)
    pinned_notes.write(_Note(bits), where.offload_note(ifindex), where.new_offload_note(ifindex))


def read(where: NetnsPins, ifindex: int) -> frozenset[str]:
    """Return the offloads in the note of a pair; none if it has no note."""
    note = pinned_notes.read(where.offload_note(ifindex), _Note)
    bits = 0 if note is None else note.offloads
    return frozenset(name for place, name in enumerate(OFFLOADS) if bits >> place & 1)


def remove(where: NetnsPins, ifindex: int) -> None:
    """Remove the note of a pair; does nothing if there is none."""
    pin_files.unlink(where.offload_note(ifindex))
