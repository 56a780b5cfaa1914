# SPDX-License-Identifier: GPL-2.0-only
"""Messages of rtnetlink that the kernel keeps until somebody asks what has changed.

Messages of the kernel are queued while RTNL is held, before the command that changed something returns, and
reading the queue takes no lock.
"""

import struct
from collections.abc import Iterator, Sequence

from netvsc_bpf.kernel.net.link_watch import enlarge, listen, received
from netvsc_bpf.kernel.net.socket_filter import attach_filter

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
TYPE_AT, BODY_AT = 4, _HEADER.size
"""Where a filter finds the type of a message (nlmsghdr.nlmsg_type), and its body."""


class UnreadMessages:
    """Listens to groups (RTMGRP_*) in this thread's network namespace, without being read. Raises OSError.

    What does not pass the filter is not kept.
    """

    def __init__(self, groups: int, program: Sequence[tuple[int, int, int, int]]) -> None:
        self._socket = listen(groups)
        try:
            attach_filter(self._socket, program)
            enlarge(self._socket)
        except BaseException:
            self._socket.close()
            raise

    def take(self) -> Iterator[bytes]:
        """Yield the datagrams since the last call; an empty one means lost messages. It never waits."""
        return received(self._socket)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and body of each message of a datagram. Pure."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        yield kind, data[at + _HEADER.size : at + length]
        at += max(length, _HEADER.size) + -length % 4
