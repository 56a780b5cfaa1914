# SPDX-License-Identifier: GPL-2.0-only
"""Being told that an interface or a tc filter changed.

Whoever is woken looks at everything, so that a message lost to ENOBUFS is as good as one that arrived. Of a
message only that is read which interface came or went (it is the earliest that anybody hears of it), and
whether it concerns a pair at all (link_event_filter.py).
"""

import asyncio
import errno
import socket
import struct
from collections.abc import Callable, Iterator

from netvsc_bpf.kernel.net.link_event_filter import Concern

_GROUPS = 1 << 0 | 1 << 3  # RTMGRP_LINK, RTMGRP_TC (include/uapi/linux/rtnetlink.h)
_RTM_NEWLINK, _RTM_DELLINK = 16, 17
_HEADER = struct.Struct("=IHHII")
_IFINFOMSG = struct.Struct("=BxHi")
"""The head of struct ifinfomsg: family, type, index."""
_SO_RCVBUFFORCE = 33  # include/uapi/asm-generic/socket.h
_ROOM = 4 << 20
LATER_S = 5.0
"""When somebody looks because of what hardly concerns a pair: at most so often, however much of it comes."""
_SHORTEST = _HEADER.size + _IFINFOMSG.size


class NetlinkWatch:
    """Calls back when an interface or a filter of this thread's network namespace changed."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        wake: Callable[[], None],
        link: Callable[[int, bool], None] = lambda ifindex, present: None,
        judge: Callable[[bytes], Concern] = lambda data: Concern.NOW if data else Concern.LATER,
        later: Callable[[], None] = lambda: None,
    ) -> None:
        """`link` is told of each interface (ifindex) that is there, or is gone, before `wake` is called.

        `judge` says of each datagram whether to wake, and how soon; an empty one stands for what was lost.
        `later` is called before `wake` where it was put off.
        """
        self._loop, self._wake, self._link = loop, wake, link
        self._judge, self._later_too = judge, later
        self._later: asyncio.TimerHandle | None = None
        self._socket = listen(_GROUPS)
        enlarge(self._socket)
        loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Stop watching."""
        if self._later is not None:
            self._later.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        concerns = set()
        for data in received(self._socket):
            for ifindex, present in link_changes(data):
                self._link(ifindex, present)
            concerns.add(self._judge(data))
        if Concern.LATER in concerns and self._later is None:
            self._later = self._loop.call_later(LATER_S, self._put_off)
        if Concern.NOW in concerns:
            self._wake()

    def _put_off(self) -> None:
        self._later = None
        self._later_too()
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


def enlarge(there: socket.socket) -> None:
    """Have room for what comes while nobody reads; memory is taken only while it lies there."""
    try:
        there.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ROOM)
    except PermissionError:  # it takes CAP_NET_ADMIN in the first user namespace
        there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)


def received(there: socket.socket) -> Iterator[bytes]:
    """Take everything that waits; empty stands for what was lost (ENOBUFS)."""
    while True:
        try:
            yield there.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            yield b""


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
