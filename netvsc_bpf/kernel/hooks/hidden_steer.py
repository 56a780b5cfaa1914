# SPDX-License-Identifier: GPL-2.0-only
"""Detects a steer on a NIC whose pins are not visible: a second one would get no packets to count.

The pins are in a bpffs that another one is mounted over, or in the bpffs of another mount namespace.
"""

import ctypes
import os

from netvsc_bpf.kernel.bpf import abi, libbpf, links, pin_files
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.hooks.tcx_query import tcx_programs
from netvsc_bpf.model.errors import Refused

_DEVMAP = 14  # BPF_MAP_TYPE_DEVMAP
_MOST_MAPS = 64


class _ProgInfo(ctypes.Structure):
    """struct bpf_prog_info as far as the name (include/uapi/linux/bpf.h)."""

    _fields_ = [
        ("type", ctypes.c_uint32),
        ("id", ctypes.c_uint32),
        ("not_asked_for", ctypes.c_uint8 * 44),
        ("nr_map_ids", ctypes.c_uint32),
        ("map_ids", ctypes.c_uint64),
        ("name", ctypes.c_char * 16),
    ]


def refuse_hidden(what: str, where: NetnsPins, ifindex: int, name: str) -> None:
    """Raise Refused, for `what` was to be done, if a NIC has a steer whose pins are not visible.

    Raises OSError. Finds nothing where hidden_steer() does not.
    """
    program = hidden_steer(where, ifindex)
    if program is not None:
        raise Refused(what, *why_hidden(where, name, program))


def why_hidden(where: NetnsPins, name: str, program: int) -> tuple[str, str]:
    """Return what is wrong with a NIC that has a steer without visible pins, and what helps."""
    return (
        f"program {program} of netvsc-bpf is attached to {name}, but its pins are not in this {where.bpffs}:"
        " another bpffs is mounted over them, or they are in another mount namespace",
        f"umount the bpffs on top, or detach in the mount namespace whose {where.bpffs} has the pins",
    )


def hidden_steer(where: NetnsPins, ifindex: int) -> int | None:
    """Return the id of a steer on the tcx egress of a NIC that has no visible pin, None if there is none.

    Finds nothing without CAP_SYS_ADMIN, which is needed to query programs by id. Raises OSError.
    """
    suspects = [one for one in tcx_programs(ifindex, Direction.EGRESS) if _is_steer(one)]
    if not suspects:
        return None
    programs = (path for path in pin_files.walk(where.root) if path.parent.name == "programs")
    pinned = {links.pinned_program_id(path) for path in programs}
    return next((one for one in suspects if one not in pinned), None)


def _is_steer(number: int) -> bool:
    """Return whether a program is steer, by its name and its map `paths`."""
    fd = libbpf.lib().bpf_prog_get_fd_by_id(ctypes.c_uint32(number))
    if fd < 0:
        return False
    try:
        ids = (ctypes.c_uint32 * _MOST_MAPS)()
        info = _ProgInfo(nr_map_ids=_MOST_MAPS, map_ids=ctypes.addressof(ids))
        libbpf.complete(fd, info)
    finally:
        os.close(fd)
    return info.name == b"steer" and any(map(_is_our_devmap, ids[: min(info.nr_map_ids, _MOST_MAPS)]))


def _is_our_devmap(number: int) -> bool:
    fd = libbpf.lib().bpf_map_get_fd_by_id(ctypes.c_uint32(number))
    if fd < 0:
        return False
    try:
        info = libbpf.info(fd, libbpf.MapInfo)
    finally:
        os.close(fd)
    return (info.type, info.name, info.max_entries) == (_DEVMAP, b"paths", 2 * abi.NIC_SLOTS)
