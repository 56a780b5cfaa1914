# SPDX-License-Identifier: GPL-2.0-only
"""Notes what changed of what frames of our own are made of: MACs, addresses, default routes.

A frame with an address that the interface has no longer would claim it: its receivers would send to this
host what is meant for another one by now. Messages of the kernel are queued before the command that changed
something returns, and reading the queue takes no lock.
"""

import ctypes
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from netvsc_bpf.kernel.net.link_watch import enlarge, listen, received

# RTMGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE (include/uapi/linux/rtnetlink.h)
_GROUPS = 1 << 0 | 1 << 4 | 1 << 6 | 1 << 8 | 1 << 10
_LINKS, _ADDRESSES, _ROUTES = (16, 17), (20, 21), (24, 25)
"""RTM_NEW and RTM_DEL of each."""
_HEADER = struct.Struct("=IHHII")
_INDEX = struct.Struct("=4xi")
"""The interface, in struct ifinfomsg and in struct ifaddrmsg."""
_DESTINATION_LENGTH = _HEADER.size + 1  # rtmsg.rtm_dst_len
_SO_ATTACH_FILTER = 26  # include/uapi/asm-generic/socket.h
_LOAD_HALF, _LOAD_BYTE, _IF_EQUAL, _RETURN = 0x28, 0x30, 0x15, 0x06  # include/uapi/linux/filter.h
_FILTER = (
    (_LOAD_HALF, 0, 0, 4),  # nlmsghdr.nlmsg_type
    (_IF_EQUAL, 1, 0, socket.htons(_ROUTES[0])),
    (_IF_EQUAL, 0, 3, socket.htons(_ROUTES[1])),
    (_LOAD_BYTE, 0, 0, _DESTINATION_LENGTH),
    (_IF_EQUAL, 1, 0, 0),
    (_RETURN, 0, 0, 0),
    (_RETURN, 0, 0, 0xFFFFFFFF),
)
"""struct sock_filter: code, instructions to skip if it is true, and if it is not, operand. A router has a
million routes; only default ones pass."""


@dataclass(slots=True)
class SourceChanges:
    """What changed."""

    interfaces: set[int] = field(default_factory=set)
    """Those (ifindexes) that have changed, or an address of them."""
    routes: bool = False
    """Default routes have changed, or messages were lost: anything may have changed."""

    def concern(self, interfaces: Iterable[int]) -> bool:
        """Return whether something changed for one of these interfaces (ifindexes)."""
        return self.routes or not self.interfaces.isdisjoint(interfaces)


class SourceWatch:
    """Listens in this thread's network namespace, without being read. Raises OSError."""

    def __init__(self) -> None:
        self._socket = listen(_GROUPS)
        try:
            _filter(self._socket)
            enlarge(self._socket)
        except BaseException:
            self._socket.close()
            raise

    def take(self) -> SourceChanges:
        """Return what changed since the last call; it never waits."""
        changes = SourceChanges()
        for data in received(self._socket):
            note(changes, data)
        return changes

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def note(changes: SourceChanges, data: bytes) -> None:
    """Add the messages of one datagram to the changes; an empty one means lost messages. Pure."""
    changes.routes = changes.routes or not data
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        if kind in _ROUTES:
            changes.routes = True
        elif kind in _LINKS + _ADDRESSES:
            changes.interfaces.add(_INDEX.unpack_from(data, at + _HEADER.size)[0])
        at += max(length, _HEADER.size) + -length % 4


def _filter(there: socket.socket) -> None:
    raw = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in _FILTER))
    program = struct.pack("@HP", len(_FILTER), ctypes.addressof(raw))
    there.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
