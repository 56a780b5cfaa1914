# SPDX-License-Identifier: GPL-2.0-only
"""Notes what changed since a round of announcements was read, so that its frames can be sent again at once.

Reading a round takes RTNL, which a dying VF's driver may hold for a tenth of a second; reading the queue of
messages takes no lock, and whatever had happened before the path changed is in it. It is read when it is
needed, not when something arrives.
"""

import socket
import struct
from collections.abc import Container
from dataclasses import dataclass, field

from netvsc_bpf.kernel.net.rtnetlink import Message
from netvsc_bpf.kernel.net.socket_filter import IF_EQUAL, LOAD_BYTE, LOAD_HALF, RETURN, WHOLE
from netvsc_bpf.kernel.net.unread_messages import BODY_AT, TYPE_AT, UnreadMessages, messages
from netvsc_bpf.kernel.net.upper_devices import Link, parse_link

_GROUPS = 1 << 0 | 1 << 2 | 1 << 4 | 1 << 8  # RTMGRP_LINK, _NEIGH, _IPV4_IFADDR, _IPV6_IFADDR
_NEWLINK, _DELLINK, _DELADDR, _NEWNEIGH, _DELNEIGH = 16, 17, 21, 28, 29
_IFINFOMSG = struct.Struct("=BxHi")  # family, type, index: the head of struct ifinfomsg
_IFADDRMSG = struct.Struct("=4xI")  # the index in struct ifaddrmsg
_NDMSG_SIZE, _NDA_LLADDR = 12, 2
_FILTER = (
    (LOAD_HALF, 0, 0, TYPE_AT),
    (IF_EQUAL, 7, 0, socket.htons(_NEWLINK)),
    (IF_EQUAL, 6, 0, socket.htons(_DELLINK)),
    (IF_EQUAL, 5, 0, socket.htons(_DELADDR)),
    (IF_EQUAL, 1, 0, socket.htons(_NEWNEIGH)),
    (IF_EQUAL, 0, 2, socket.htons(_DELNEIGH)),
    (LOAD_BYTE, 0, 0, BODY_AT),  # ndmsg.ndm_family
    (IF_EQUAL, 1, 0, socket.AF_BRIDGE),
    (RETURN, 0, 0, 0),
    (RETURN, 0, 0, WHOLE),
)
"""It keeps other messages out of the queue, above all those about ARP and neighbour tables."""


@dataclass(slots=True)
class Changes:
    """What changed."""

    links: dict[int, Link | None] = field(default_factory=dict)
    """Interfaces (ifindexes) as they are now; None: gone, or changed as a bridge port."""
    addresses: set[int] = field(default_factory=set)
    """Interfaces (ifindexes) that have lost an address."""
    macs: set[bytes] = field(default_factory=set)
    """MACs that are behind another port of a bridge now, or not in its table any more, or new in it."""
    lost: bool = False
    """Messages were lost: anything may have changed."""


class AnnouncementWatch:
    """Listens in this thread's network namespace, without being read."""

    def __init__(self) -> None:
        self._unread = UnreadMessages(_GROUPS, _FILTER)

    def take(self, relevant: Container[int]) -> Changes:
        """Return what changed since the last call; of interfaces only the `relevant` ones (ifindexes).

        Any thread may call it, one at a time; it never waits.
        """
        changes = Changes()
        for data in self._unread.take():
            note(changes, data, relevant)
        return changes

    def close(self) -> None:
        """Stop listening."""
        self._unread.close()


def note(changes: Changes, data: bytes, relevant: Container[int]) -> None:
    """Add the messages of one datagram to the changes; an empty one means lost messages. Pure."""
    changes.lost = changes.lost or not data
    for kind, body in messages(data):
        if kind in (_NEWLINK, _DELLINK):
            family, _, ifindex = _IFINFOMSG.unpack_from(body)
            if ifindex in relevant:
                whole = kind == _NEWLINK and family == socket.AF_UNSPEC
                changes.links[ifindex] = parse_link(Message(kind, body)) if whole else None
        elif kind == _DELADDR:
            changes.addresses.add(_IFADDRMSG.unpack_from(body)[0])
        elif kind in (_NEWNEIGH, _DELNEIGH):
            changes.macs.add(Message(kind, body).attributes(_NDMSG_SIZE).get(_NDA_LLADDR, b""))
