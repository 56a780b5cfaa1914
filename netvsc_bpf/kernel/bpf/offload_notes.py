# SPDX-License-Identifier: GPL-2.0-only
"""Stores which receive offloads generic XDP has switched off, in a pinned map that no program reads.

The kernel does not switch them on again when the program is detached (generic_xdp_install(), net/core/dev.c).
The note is beside the links of the pair, and frozen.
"""

import ctypes
import os
from collections.abc import Set as AbstractSet

from netvsc_bpf.kernel.bpf import libbpf, pin_files, pins
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins

OFFLOADS = ("rx-lro", "rx-gro-hw")
"""By the kernel's names (netdev_features_strings, net/ethtool/common.c); the place is the bit in the note."""


def write(where: NetnsPins, ifindex: int, offloads: AbstractSet[str]) -> None:
    """Write the note of the pair of this synthetic NIC, which has none. Raises KernelError."""
    fd = libbpf.array_create("offloads", ctypes.sizeof(ctypes.c_uint32))
    try:
        bits = sum(1 << place for place, name in enumerate(OFFLOADS) if name in offloads)
        libbpf.map_update(fd, 0, ctypes.c_uint32(bits))
        libbpf.map_freeze(fd)
        pins.make(fd, where.offload_note(ifindex))
    finally:
        os.close(fd)


def read(where: NetnsPins, ifindex: int) -> frozenset[str]:
    """Return the offloads in the note of a pair; none if it has no note."""
    bits = ctypes.c_uint32()
    try:
        with pin_files.got(where.offload_note(ifindex)) as fd:
            libbpf.map_lookup(fd, 0, bits)
    except FileNotFoundError:
        return frozenset()
    return frozenset(name for place, name in enumerate(OFFLOADS) if bits.value >> place & 1)


def remove(where: NetnsPins, ifindex: int) -> None:
    """Remove the note of a pair; does nothing if there is none."""
    pin_files.unlink(where.offload_note(ifindex))
