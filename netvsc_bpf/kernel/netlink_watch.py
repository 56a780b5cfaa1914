# SPDX-License-Identifier: GPL-2.0-only
"""Being told that an interface or a tc filter changed.

Whoever is woken looks at everything, so that a message lost to ENOBUFS is as good as one that arrived. Only
which interface came or went is read: the message is the earliest that anybody hears of it.
"""

import asyncio
import errno
import socket
import struct
from collections.abc import Callable, Iterator

_GROUPS = 1 << 0 | 1 << 3  # RTMGRP_LINK, RTMGRP_TC (include/uapi/linux/rtnetlink.h)
_RTM_NEWLINK, _RTM_DELLINK = 16, 17
_HEADER = struct.Struct("=IHHII")
_IFINFOMSG = struct.Struct("=BxHi")
"""The head of struct ifinfomsg: family, type, index."""
_SHORTEST = _HEADER.size + _IFINFOMSG.size


class NetlinkWatch:
    """Calls back when an interface or a filter of this thread's network namespace changed."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        wake: Callable[[], None],
        link: Callable[[int, bool], None] = lambda ifindex, present: None,
    ) -> None:
        """`link` is told of each interface (ifindex) that is there, or is gone, before `wake` is called."""
        self._loop, self._wake, self._link = loop, wake, link
        self._socket = listen(_GROUPS)
        loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Stop watching."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        for data in received(self._socket):
            for ifindex, present in link_changes(data):
                self._link(ifindex, present)
        self._wake()


def listen(groups: int) -> socket.socket:
    """Return a socket that hears these groups (RTMGRP_*) and more that it may join later.

    It is bound in any case: unbound it has the kernel's own port, and a broadcast leaves its sender out.
    """
    there = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
    there.bind((0, groups))
    return there


def drain(there: socket.socket) -> None:
    """Take everything that waits."""
    for _ in received(there):
        pass


def received(there: socket.socket) -> Iterator[bytes]:
    """Take everything that waits; a message that was lost (ENOBUFS) is as good as one that came."""
    while True:
        try:
            yield there.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise


def link_changes(data: bytes) -> Iterator[tuple[int, bool]]:
    """Read which interfaces are there (True) or gone, message by message. Pure."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        if kind in (_RTM_NEWLINK, _RTM_DELLINK) and min(length, len(data) - at) >= _SHORTEST:
            family, _, ifindex = _IFINFOMSG.unpack_from(data, at + _HEADER.size)
            # A port that leaves its bridge is told by RTM_DELLINK as well, of the family AF_BRIDGE.
            if family == socket.AF_UNSPEC:
                yield ifindex, kind == _RTM_NEWLINK
        at += max(length, _HEADER.size) + -length % 4
