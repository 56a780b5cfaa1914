# SPDX-License-Identifier: GPL-2.0-only
"""Watches for changes of interfaces and tc filters.

The callback scans the interfaces itself, so that a message lost to ENOBUFS does no harm. From a message only
two things are read: which interface appeared or was removed (this is the earliest notification), and whether
it concerns a pair at all (link_event_filter.py).
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
"""The minimum interval between scans because of events that hardly concern a pair."""
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
        """`link` is called for each interface (ifindex) that exists, or is gone, before `wake`.

        `judge` decides for each datagram whether to wake, and how soon; an empty one means lost ones.
        `later` is called before a `wake` that was deferred.
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
            self._later = self._loop.call_later(LATER_S, self._wake_later)
        if Concern.NOW in concerns:
            self._wake()

    def _wake_later(self) -> None:
        self._later = None
        self._later_too()
        self._wake()


def listen(groups: int) -> socket.socket:
    """Return a socket that listens to these groups (RTMGRP_*); it may join more later.

    It is always bound: unbound it would have port 0, the kernel's own, which a broadcast leaves out.
    """
    there = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
    there.bind((0, groups))
    return there


def drain(there: socket.socket) -> None:
    """Discard everything in the receive queue."""
    for _ in received(there):
        pass


def enlarge(there: socket.socket) -> None:
    """Enlarge the receive buffer, for messages that arrive before they are read; used only when needed."""
    try:
        there.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ROOM)
    except PermissionError:  # requires CAP_NET_ADMIN in the initial user namespace
        there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)


def received(there: socket.socket) -> Iterator[bytes]:
    """Yield everything in the receive queue; an empty datagram means that some were lost (ENOBUFS)."""
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
    """Yield which interfaces exist (True) or are gone (False), message by message. Pure."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        if kind in (_RTM_NEWLINK, _RTM_DELLINK) and min(length, len(data) - at) >= _SHORTEST:
            family, _, ifindex = _IFINFOMSG.unpack_from(data, at + _HEADER.size)
            # A port that leaves its bridge is also reported by RTM_DELLINK, of the family AF_BRIDGE.
            if family == socket.AF_UNSPEC:
                yield ifindex, kind == _RTM_NEWLINK
        at += max(length, _HEADER.size) + -length % 4
