# SPDX-License-Identifier: GPL-2.0-only
"""The bytes of a TCP stream, as a function of their offset: lost, swapped or repeated ones do not fit."""

import hashlib

# Prime: whatever is moved by the size of a segment, a buffer or a page lands on other bytes.
_PERIOD = 1_000_003
CHUNK = 1 << 18
"""The most bytes that ``at`` gives at once."""


class Pattern:
    """An endless repeatable sequence of bytes."""

    def __init__(self) -> None:
        once = hashlib.shake_128(b"netvsc-bpf").digest(_PERIOD)
        self._bytes = once + once[:CHUNK]
        self._view = memoryview(self._bytes)

    def at(self, offset: int, size: int) -> memoryview:
        """Return the ``size`` bytes at ``offset``, without a copy."""
        begin = offset % _PERIOD
        return self._view[begin : begin + size]

    def fits(self, data: bytes, offset: int) -> bool:
        """Say whether ``data``, of CHUNK bytes at most, is what stands at ``offset``."""
        # bytes compare by memcmp, memoryviews element by element: the copy is by far the cheaper way.
        return bytes(self.at(offset, len(data))) == data
