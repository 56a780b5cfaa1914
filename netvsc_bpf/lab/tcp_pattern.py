# SPDX-License-Identifier: GPL-2.0-only
"""The bytes of a TCP stream as a function of their offset: lost, swapped or repeated ones do not match."""

import hashlib

# Prime, so that data shifted by the size of a segment, a buffer or a page does not match.
_PERIOD = 1_000_003
CHUNK = 1 << 18
"""The most bytes that ``at`` returns at once."""


class Pattern:
    """An infinite repeatable sequence of bytes."""

    def __init__(self) -> None:
        once = hashlib.shake_128(b"netvsc-bpf").digest(_PERIOD)
        self._bytes = once + once[:CHUNK]
        self._view = memoryview(self._bytes)

    def at(self, offset: int, size: int) -> memoryview:
        """Return the ``size`` bytes at ``offset``, without a copy."""
        begin = offset % _PERIOD
        return self._view[begin : begin + size]

    def fits(self, data: bytes, offset: int) -> bool:
        """Return whether ``data``, of at most CHUNK bytes, matches the pattern at ``offset``."""
        # bytes compare by memcmp, memoryviews element by element: copying first is much faster.
        return bytes(self.at(offset, len(data))) == data
