# SPDX-License-Identifier: GPL-2.0-only
"""Reads a BPF ring buffer without consuming records.

Userspace may map it read-only: a page with the consumer position, a page with the producer position, then the
data (kernel/bpf/ringbuf.c, ringbuf_map_mmap_kern()). Positions only grow; a record is at its position modulo
the size of the data, after a header with its length and flags, rounded up to 8 bytes. Consumed records stay
until they are overwritten, so that the history survives a manager that died.
"""

import mmap
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from netvsc_bpf.kernel.bpf import libbpf, pin_files
from netvsc_bpf.model.errors import ForeignLayout

_MAP_TYPE_RINGBUF = 27
_HEADER = struct.Struct("=II")
"""struct bpf_ringbuf_hdr: len, pg_off."""
_POSITION = struct.Struct("=Q")
_BUSY, _DISCARDED = 1 << 31, 1 << 30  # BPF_RINGBUF_BUSY_BIT, BPF_RINGBUF_DISCARD_BIT


@dataclass(frozen=True, slots=True)
class Ring:
    """A mapped ring whose records all have `record` bytes: one begins at each multiple of the stride."""

    memory: mmap.mmap | bytearray
    size: int
    """Size of the data in bytes, a power of two."""
    record: int
    page: int = mmap.PAGESIZE

    @property
    def stride(self) -> int:
        """Bytes from one record to the next."""
        return _HEADER.size + self.record + -self.record % 8

    @property
    def consumer(self) -> int:
        """The consumer position: everything before it was consumed."""
        return self._position(0)

    @property
    def producer(self) -> int:
        """The producer position: everything before it was written, or is being written."""
        return self._position(self.page)

    @property
    def oldest(self) -> int:
        """The first position that cannot have been overwritten yet."""
        return max(0, self.producer - self.size)

    @property
    def full(self) -> bool:
        """Return whether the next record would be lost, because the old ones were not consumed."""
        return self.producer + self.stride - self.consumer > self.size - 1

    def walk(self, begin: int) -> tuple[list[bytes], int]:
        """Return the complete records from `begin` on, and the position to continue from.

        Records that were overwritten meanwhile are left out: the producer moves its position before it
        writes. Raises ForeignLayout if a record has another length.
        """
        found = list(self._records(max(begin, self.oldest)))
        safe = self.oldest
        after = found[-1][0] + self.stride if found else max(begin, safe)
        return [data for at, data in found if at >= safe and data], after

    def _records(self, at: int) -> Iterator[tuple[int, bytes]]:
        while at < self.producer:
            begin = 2 * self.page + at % self.size
            length, _ = _HEADER.unpack_from(self.memory, begin)
            if length & _BUSY:
                return
            if length & ~_DISCARDED != self.record and at >= self.oldest:
                raise ForeignLayout(
                    "cannot read the ring buffer of path changes",
                    f"a record has {length & ~_DISCARDED} bytes, not {self.record}",
                    "take it down with `netvsc-bpf detach --all`, then attach again",
                )
            begin += _HEADER.size
            yield at, b"" if length & _DISCARDED else bytes(self.memory[begin : begin + self.record])
            at += self.stride

    def _position(self, where: int) -> int:
        (position,) = _POSITION.unpack_from(self.memory, where)
        return int(position)


class RingView:
    """The ring buffer that is pinned at a path, mapped until it is closed."""

    def __init__(self, path: Path, record: int) -> None:
        """Map it. Raises OSError (ENOENT: nothing is pinned there), ForeignLayout."""
        fd = pin_files.get(path)
        try:
            info = libbpf.info(fd, libbpf.MapInfo)
            if info.type != _MAP_TYPE_RINGBUF:
                raise ForeignLayout(
                    f"cannot read {path}", "it is not a ring buffer", "run `netvsc-bpf detach --all`"
                )
            size = int(info.max_entries)
            length = 2 * mmap.PAGESIZE + size
            self._memory = mmap.mmap(fd, length, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
        finally:
            os.close(fd)
        self.map_id = int(info.id)
        self.ring = Ring(self._memory, size, record)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Unmap it."""
        self._memory.close()
