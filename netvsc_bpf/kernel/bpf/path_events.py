# SPDX-License-Identifier: GPL-2.0-only
"""Reads changes of path from the ring buffer that ebpf/latch.h writes."""

import asyncio
import ctypes
import os
from collections.abc import Callable
from pathlib import Path

from netvsc_bpf.kernel.bpf import libbpf, pin_files
from netvsc_bpf.kernel.bpf.abi import PathEvent

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class PathEventWatch:
    """Calls back for each change of path in the ring buffer."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, ring: Path, deliver: Callable[[PathEvent], None]
    ) -> None:
        self._loop, self._deliver = loop, deliver
        self._lib = libbpf.lib()
        self._lib.ring_buffer__new.restype = ctypes.c_void_p
        self._lib.ring_buffer__new.argtypes = [ctypes.c_int, _CALLBACK, ctypes.c_void_p, ctypes.c_void_p]
        for name in ("ring_buffer__free", "ring_buffer__consume", "ring_buffer__epoll_fd"):
            getattr(self._lib, name).argtypes = [ctypes.c_void_p]
        self._read: list[PathEvent] = []
        self._callback = _CALLBACK(self._one)  # must outlive the ring
        self._map = pin_files.get(ring)
        self.map_id = libbpf.info(self._map, libbpf.MapInfo).id
        self._ring = self._lib.ring_buffer__new(self._map, self._callback, None, None)
        if not self._ring:
            os.close(self._map)
            raise OSError(ctypes.get_errno(), "ring_buffer__new")
        self._fd = self._lib.ring_buffer__epoll_fd(self._ring)
        loop.add_reader(self._fd, self.consume)

    def consume(self) -> None:
        """Deliver all available events."""
        self._lib.ring_buffer__consume(self._ring)
        # Not from within the callback: ctypes would swallow exceptions there.
        events, self._read = self._read, []
        for event in events:
            self._deliver(event)

    def close(self) -> None:
        """Stop watching."""
        self._loop.remove_reader(self._fd)
        self._lib.ring_buffer__free(self._ring)
        os.close(self._map)

    def _one(self, _: object, data: int, size: int) -> int:
        if size >= ctypes.sizeof(PathEvent):
            self._read.append(PathEvent.from_buffer_copy(ctypes.string_at(data, ctypes.sizeof(PathEvent))))
        return 0
