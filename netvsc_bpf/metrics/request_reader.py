# SPDX-License-Identifier: GPL-2.0-only
"""Reading the head of a request within limits of time and size, however slowly its bytes arrive."""

import io
import socket
import time
from collections.abc import Callable
from typing import Any

_LONGEST_HEAD = 1 << 16
"""Bytes. http.server allows 100 lines of 64 KB each."""


class RequestReader(io.RawIOBase):
    """The bytes of a socket; a client may be idle for `idle_s`, then has `head_s` to send a whole head.

    A socket's own timeout restarts with each byte, so a client could hold on for ever. Raises TimeoutError.
    """

    def __init__(
        self,
        connected: socket.socket,
        idle_s: float,
        head_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._socket, self._idle_s, self._head_s, self._clock = connected, idle_s, head_s, clock
        self.begin()

    def begin(self) -> None:
        """Start waiting for a request."""
        self._deadline = self._clock() + self._idle_s
        self._read = 0

    def readable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See io.RawIOBase. Raises TimeoutError, and ConnectionError for a head that is too long."""
        left = self._deadline - self._clock()
        if left <= 0:
            raise TimeoutError("the request did not come in time")
        self._socket.settimeout(left)
        count = self._socket.recv_into(buffer)
        if self._read == 0:
            self._deadline = self._clock() + self._head_s
        self._read += count
        if self._read > _LONGEST_HEAD:
            raise ConnectionAbortedError("the head of the request is too long")
        return count
