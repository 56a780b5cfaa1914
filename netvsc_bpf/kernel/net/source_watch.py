# SPDX-License-Identifier: GPL-2.0-only
"""Notes what changed of what frames of our own are made of: MACs, addresses, default routes.

A frame with an address that the interface has no longer would claim it: its receivers would send to this
host what is meant for another one by now.
"""

import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from netvsc_bpf.kernel.net.socket_filter import IF_EQUAL, LOAD_BYTE, LOAD_HALF, RETURN, WHOLE
from netvsc_bpf.kernel.net.unread_messages import BODY_AT, TYPE_AT, UnreadMessages, messages

# RTMGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE (include/uapi/linux/rtnetlink.h)
_GROUPS = 1 << 0 | 1 << 4 | 1 << 6 | 1 << 8 | 1 << 10
_LINKS, _ADDRESSES, _ROUTES = (16, 17), (20, 21), (24, 25)
"""RTM_NEW and RTM_DEL of each."""
_INDEX = struct.Struct("=4xi")
"""The interface, in struct ifinfomsg and in struct ifaddrmsg."""
_DESTINATION_LENGTH = BODY_AT + 1  # rtmsg.rtm_dst_len
_FILTER = (
    (LOAD_HALF, 0, 0, TYPE_AT),
    (IF_EQUAL, 1, 0, socket.htons(_ROUTES[0])),
    (IF_EQUAL, 0, 3, socket.htons(_ROUTES[1])),
    (LOAD_BYTE, 0, 0, _DESTINATION_LENGTH),
    (IF_EQUAL, 1, 0, 0),
    (RETURN, 0, 0, 0),
    (RETURN, 0, 0, WHOLE),
)
"""A router has a million routes; only default ones pass."""


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
        self._unread = UnreadMessages(_GROUPS, _FILTER)

    def take(self) -> SourceChanges:
        """Return what changed since the last call; it never waits."""
        changes = SourceChanges()
        for data in self._unread.take():
            note(changes, data)
        return changes

    def close(self) -> None:
        """Stop listening."""
        self._unread.close()


def note(changes: SourceChanges, data: bytes) -> None:
    """Add the messages of one datagram to the changes; an empty one means lost messages. Pure."""
    changes.routes = changes.routes or not data
    for kind, body in messages(data):
        if kind in _ROUTES:
            changes.routes = True
        elif kind in _LINKS + _ADDRESSES:
            changes.interfaces.add(_INDEX.unpack_from(body)[0])
