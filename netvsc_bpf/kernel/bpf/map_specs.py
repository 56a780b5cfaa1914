# SPDX-License-Identifier: GPL-2.0-only
"""Describes maps and creates them, with the types of their keys and values for `bpftool map dump`."""

import ctypes
from dataclasses import dataclass
from pathlib import Path

from netvsc_bpf.kernel.bpf import libbpf

_RDONLY_PROG = 1 << 7
"""BPF_F_RDONLY_PROG: dev_map_init_map() sets it for each DEVMAP, and refuses it as a flag (devmap.c)."""
_DEVMAP = 14  # enum bpf_map_type
_SHAPE = ("type", "key_size", "value_size", "max_entries", "flags")


@dataclass(frozen=True, slots=True)
class MapSpec:
    """One map. Sizes in bytes; the types are ids in the BTF that the maps of an object share, 0 for none."""

    name: str
    type: int
    key_size: int
    value_size: int
    max_entries: int
    flags: int
    key_type: int = 0
    value_type: int = 0

    def differs(self, other: "MapSpec") -> str | None:
        """Return in what another map differs, so that programs for this one cannot use it; None: nothing."""
        return next((name for name in _SHAPE if getattr(self, name) != getattr(other, name)), None)


class _BtfInfo(ctypes.Structure):
    """The beginning of struct bpf_btf_info."""

    _fields_ = [("btf", ctypes.c_uint64), ("btf_size", ctypes.c_uint32), ("id", ctypes.c_uint32)]


class _MapCreateOpts(ctypes.Structure):
    """The beginning of struct bpf_map_create_opts (libbpf 1.0)."""

    _fields_ = [
        ("sz", ctypes.c_size_t),
        ("btf_fd", ctypes.c_uint32),
        ("btf_key_type_id", ctypes.c_uint32),
        ("btf_value_type_id", ctypes.c_uint32),
        ("btf_vmlinux_value_type_id", ctypes.c_uint32),
        ("inner_map_fd", ctypes.c_uint32),
        ("map_flags", ctypes.c_uint32),
    ]


def describe(name: str, fd: int) -> MapSpec:
    """Return the description of a map. Raises OSError."""
    info = libbpf.info(fd, libbpf.MapInfo)
    flags = info.map_flags & ~_RDONLY_PROG if info.type == _DEVMAP else info.map_flags
    types = (info.btf_key_type_id, info.btf_value_type_id) if info.btf_id else (0, 0)
    return MapSpec(name, info.type, info.key_size, info.value_size, info.max_entries, flags, *types)


def create(spec: MapSpec, btf_fd: int | None = None) -> int:
    """Create a map and return its descriptor. Raises OSError."""
    options = _MapCreateOpts(sz=ctypes.sizeof(_MapCreateOpts), map_flags=spec.flags)
    if btf_fd is not None and spec.value_type:
        options.btf_fd = btf_fd
        options.btf_key_type_id, options.btf_value_type_id = spec.key_type, spec.value_type
    sizes = (spec.key_size, spec.value_size, spec.max_entries)
    return libbpf.map_create(spec.type, spec.name, sizes, options)


def own_btf() -> bytes:
    """Return the BTF that this process holds a descriptor of; b"" where it holds none. Raises OSError.

    By descriptor, because opening BTF by its id takes CAP_SYS_ADMIN (bpf_btf_get_fd_by_id()).
    """
    for link in Path("/proc/self/fd").iterdir():
        try:
            if str(link.readlink()) != "anon_inode:btf":
                continue
        except FileNotFoundError:  # the directory's own descriptor
            continue
        return _raw(int(link.name))
    return b""


def _raw(fd: int) -> bytes:
    size = libbpf.info(fd, _BtfInfo).btf_size
    raw = ctypes.create_string_buffer(size)
    libbpf.complete(fd, _BtfInfo(btf=ctypes.addressof(raw), btf_size=size))
    return raw.raw
