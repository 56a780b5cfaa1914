# SPDX-License-Identifier: GPL-2.0-only
"""Records which addresses were synced to which VF, in a pinned map that no program reads.

The kernel does not distinguish synced unicast addresses from those of a macvlan or of `bridge fdb add`, and
foreign addresses have to stay. The map is in the folder of the namespace, not in that of the object, so that
it survives a replacement of programs; it is created when the first address is synced.
"""

import ctypes
import errno
import os
import struct
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from netvsc_bpf.kernel.bpf import libbpf, pin_files
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.model.errors import ForeignLayout

PIN = "lent_addresses"
MOST = 16_384
"""Maximum entries: 64 addresses for each of 256 VFs. Memory is allocated on use."""
_HASH = 1  # BPF_MAP_TYPE_HASH
_NO_PREALLOC = 1  # BPF_F_NO_PREALLOC


class _Key(ctypes.Structure):
    _fields_ = [("vf_ifindex", ctypes.c_uint32), ("mac", ctypes.c_uint8 * 6), ("pad", ctypes.c_uint8 * 2)]


_KEY = struct.Struct("=I6s2x")
"""The same layout, to parse many keys at once."""


class _CreateOpts(ctypes.Structure):
    """struct bpf_map_create_opts of libbpf 1.0."""

    _fields_ = [
        ("sz", ctypes.c_size_t),
        ("btf", ctypes.c_uint32 * 4),
        ("inner_map_fd", ctypes.c_uint32),
        ("map_flags", ctypes.c_uint32),
        ("map_extra", ctypes.c_uint64),
        ("numa_node", ctypes.c_uint32),
        ("map_ifindex", ctypes.c_uint32),
    ]


class SyncedAddresses:
    """The record of this thread's network namespace. The caller that changes it holds the writer lock."""

    def __init__(self, pins: NetnsPins) -> None:
        self._path = pins.home / PIN
        self._lib = libbpf.lib()
        self._fd = _opened(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd is not None:
            os.close(self._fd)

    def all(self) -> dict[int, set[bytes]]:
        """Return the addresses synced to each VF, by ifindex."""
        found: dict[int, set[bytes]] = {}
        if self._fd is None:
            return found
        # In one call (Linux 5.6), because it is read whenever a VF joins or leaves.
        keys, values, count = (_Key * MOST)(), (ctypes.c_uint32 * MOST)(), ctypes.c_uint32(MOST)
        begin_at_next = ctypes.c_uint32()
        result = self._lib.bpf_map_lookup_batch(
            self._fd, None, ctypes.byref(begin_at_next), keys, values, ctypes.byref(count), None
        )
        if result != -errno.ENOENT:  # ENOENT: there are no more
            _checked(result)
        read = memoryview(keys).cast("B")[: count.value * ctypes.sizeof(_Key)]
        for vf_ifindex, mac in _KEY.iter_unpack(read):
            found.setdefault(vf_ifindex, set()).add(mac)
        return found

    def add(self, vf_ifindex: int, mac: bytes) -> None:
        """Record that an address was synced. Raises KernelError if the map is full."""
        if self._fd is None:
            self._fd = _created(self._path)
        key, value = _key(vf_ifindex, mac), ctypes.c_uint32(1)
        with changing(f"cannot record {mac.hex(':')} of interface {vf_ifindex}"):
            _checked(self._lib.bpf_map_update_elem(self._fd, ctypes.byref(key), ctypes.byref(value), 0))

    def remove(self, vf_ifindex: int, mac: bytes) -> None:
        """Delete an address from the record; does nothing if it is not in it. Raises KernelError."""
        if self._fd is None:
            return
        key = _key(vf_ifindex, mac)
        with (
            changing(f"cannot delete the record of {mac.hex(':')} of interface {vf_ifindex}"),
            suppress(FileNotFoundError),
        ):
            _checked(self._lib.bpf_map_delete_elem(self._fd, ctypes.byref(key)))


def _key(vf_ifindex: int, mac: bytes) -> _Key:
    return _Key(vf_ifindex, (ctypes.c_uint8 * 6)(*mac))


def _opened(path: Path) -> int | None:
    try:
        fd = pin_files.get(path)
    except FileNotFoundError:
        return None
    try:
        info = libbpf.info(fd, libbpf.MapInfo)
    except BaseException:
        os.close(fd)
        raise
    if (info.type, info.key_size, info.value_size) != (_HASH, ctypes.sizeof(_Key), 4):
        os.close(fd)
        remedy = "take it down with `netvsc-bpf detach --all`, then attach again"
        raise ForeignLayout(f"cannot use {path}", "it is another map", remedy)
    return fd


def _created(path: Path) -> int:
    options = _CreateOpts(sz=ctypes.sizeof(_CreateOpts), map_flags=_NO_PREALLOC)
    create = libbpf.lib().bpf_map_create
    with changing(f"cannot create {path}"):
        fd = _checked(
            create(_HASH, PIN.encode(), ctypes.sizeof(_Key), 4, MOST, ctypes.byref(options)),
        )
        try:
            pin_files.pin(fd, path)
        except OSError:
            os.close(fd)
            raise
    return fd


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno() or -result
        raise OSError(number, os.strerror(number))
    return result
