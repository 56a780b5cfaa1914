# SPDX-License-Identifier: GPL-2.0-only
"""A minimal rtnetlink client that decodes only the attributes that are used.

pyroute2 decodes every attribute of every message, a third of a millisecond for a link; that is too much for a
caller that needs two attributes at each wake-up. Layouts: include/uapi/linux/netlink.h.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

NETLINK_GENERIC = 16
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 0x1, 0x4, 0x200, 0x400
_NLM_F_DUMP = 0x300
_NLM_F_DUMP_INTR = 0x10
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_SOL_NETLINK, _NETLINK_GET_STRICT_CHK = 270, 12
_NESTED_AND_ORDER = 0xC000  # NLA_F_NESTED | NLA_F_NET_BYTEORDER
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_ERROR = struct.Struct("=i")
_DUMP_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Message:
    """One netlink message: `body` begins with the family's own header."""

    kind: int
    body: bytes

    def attributes(self, header: int) -> dict[int, bytes]:
        """Return the attributes after a header of `header` bytes; of duplicates the last."""
        return attributes(self.body[header + -header % 4 :])


def attributes(data: bytes) -> dict[int, bytes]:
    """Parse the attributes of a message or of a nested attribute; of duplicates the last. Pure."""
    return dict(each_attribute(data))


def each_attribute(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Parse attributes one by one (type and value), for lists with duplicates. Pure."""
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            break
        yield kind & ~_NESTED_AND_ORDER, data[at + _ATTRIBUTE.size : at + length]
        at += length + -length % 4


def attribute(kind: int, value: bytes) -> bytes:
    """Encode one attribute for a request. Pure."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


class Rtnetlink:
    """A netlink socket in this thread's network namespace. Failures are OSErrors with the kernel's errno.

    `protocol` NETLINK_GENERIC selects generic netlink, whose messages have the same format.
    """

    def __init__(self, protocol: int = socket.NETLINK_ROUTE) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        # Without it the kernel ignores filters in the headers of dumps (Linux 4.20).
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_GET_STRICT_CHK, 1)
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def dump(self, kind: int, body: bytes, *, whole: bool = False) -> list[Message]:
        """Return all answers to a dump request, which is repeated if changes interrupted it.

        With `whole`, raises InterruptedError if every attempt was interrupted (NLM_F_DUMP_INTR), because
        something may be missing then. Without, a later dump will show what this one missed.
        """
        for _ in range(_DUMP_ATTEMPTS):
            self._send(kind, NLM_F_REQUEST | _NLM_F_DUMP, body)
            answers, disturbed = [], False
            for number, flags, answer in self._answers():
                disturbed = disturbed or bool(flags & _NLM_F_DUMP_INTR)
                if number == _NLMSG_DONE:
                    _check(answer)
                    break
                answers.append(Message(number, answer))
            if not disturbed:
                return answers
        if whole:
            raise InterruptedError(errno.EINTR, "it changed during every dump")
        return answers

    def ask(self, kind: int, body: bytes) -> Message:
        """Return the only answer to a request."""
        self._send(kind, NLM_F_REQUEST, body)
        number, _, answer = next(self._answers())
        return Message(number, answer)

    def request(self, kind: int, flags: int, body: bytes) -> None:
        """Request a change, and wait for the acknowledgement."""
        self._send(kind, NLM_F_REQUEST | NLM_F_ACK | flags, body)
        next(self._answers())

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._sequence += 1
        head = _HEADER.pack(_HEADER.size + len(body), kind, flags, self._sequence, 0)
        self._socket.sendto(head + body, (0, 0))

    def _answers(self) -> Iterator[tuple[int, int, bytes]]:
        while True:
            data, at = self._socket.recv(1 << 18), 0
            while at + _HEADER.size <= len(data):
                length, kind, flags, sequence, _ = _HEADER.unpack_from(data, at)
                if sequence == self._sequence:
                    body = data[at + _HEADER.size : at + length]
                    if kind == _NLMSG_ERROR:
                        _check(body)
                    yield kind, flags, body
                at += length + -length % 4


def _check(body: bytes) -> None:
    (negative,) = _ERROR.unpack_from(body)
    if negative:
        raise OSError(-negative, os.strerror(-negative))
