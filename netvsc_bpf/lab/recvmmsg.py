# SPDX-License-Identifier: GPL-2.0-only
"""recvmmsg(2): many datagrams in one system call, each with the kernel's timestamp of its arrival.

Python only has recvmsg(2): a call, a list and a tuple for each datagram, and a wake-up of the process.
"""

import ctypes
import errno
import os
import socket
import struct
import time

_SO_TIMESTAMPNS = 35
"""<asm-generic/socket.h>; Python's socket module does not name it."""
_MSG_WAITFORONE = 0x10000
_WORD = 8
_HEADER_WORDS = 8
"""struct mmsghdr: name, its length, iovec, how many, control, its size, flags, and the datagram's length."""
_CONTROL_SIZE, _LENGTH = 5, 7
_NOTE_WORDS = 4
"""struct cmsghdr, which are two, then a struct timespec."""
_SECONDS, _NANOSECONDS = 2, 3
_IOVEC = struct.Struct("=QQ")
_MOST = 64


class Inbox:
    """Reads a socket's datagrams; keeps the first `size` bytes of each."""

    def __init__(self, link: socket.socket, size: int) -> None:
        """Enable timestamps. The socket's timeout is set by SO_RCVTIMEO."""
        link.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._link, self._size = link, size
        payloads = ctypes.create_string_buffer(_MOST * size)
        self._iovecs = ctypes.create_string_buffer(_MOST * _IOVEC.size)
        self._headers = (ctypes.c_uint64 * (_MOST * _HEADER_WORDS))()
        self._notes = (ctypes.c_int64 * (_MOST * _NOTE_WORDS))()
        for number in range(_MOST):
            at = ctypes.addressof(payloads) + number * size
            _IOVEC.pack_into(self._iovecs, number * _IOVEC.size, at, size)
            iovec = ctypes.addressof(self._iovecs) + number * _IOVEC.size
            note = ctypes.addressof(self._notes) + number * _NOTE_WORDS * _WORD
            for word, value in enumerate((0, 0, iovec, 1, note, _NOTE_WORDS * _WORD, 0, 0)):
                self._headers[number * _HEADER_WORDS + word] = value
        self._fresh = bytes(self._headers)
        self._recvmmsg = ctypes.CDLL(None, use_errno=True).recvmmsg
        self.payloads = memoryview(payloads).cast("B")
        """The data of the last read, each datagram at a multiple of `size`."""

    def read(self) -> list[tuple[int, int, int]]:
        """Wait for a datagram, and return it and those queued after it: none if a signal came first.

        For each: its offset in `payloads`, its number of bytes, and CLOCK_REALTIME ns of its arrival. Raises
        BlockingIOError on a timeout, OSError.
        """
        headers, notes = self._headers, self._notes
        # The kernel overwrites the buffer size with the size of the data.
        ctypes.memmove(headers, self._fresh, len(self._fresh))
        number = self._recvmmsg(self._link.fileno(), headers, _MOST, _MSG_WAITFORONE, None)
        if number < 0:
            code = ctypes.get_errno()
            if code == errno.EINTR:
                return []
            raise OSError(code, os.strerror(code))
        found = []
        for one in range(number):
            header, note = one * _HEADER_WORDS, one * _NOTE_WORDS
            if headers[header + _CONTROL_SIZE]:
                arrived_ns = notes[note + _SECONDS] * 1_000_000_000 + notes[note + _NANOSECONDS]
            else:
                arrived_ns = time.time_ns()  # it arrived before timestamps were enabled
            found.append((one * self._size, headers[header + _LENGTH], arrived_ns))
        return found
