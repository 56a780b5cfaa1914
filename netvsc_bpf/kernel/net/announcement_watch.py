# SPDX-License-Identifier: GPL-2.0-only
"""Notes what changed since a round of announcements was read, so that its frames can be sent again at once.

Reading a round takes RTNL, which a dying VF's driver may hold for a tenth of a second. Messages of the kernel
are queued while RTNL is held, and reading the queue takes no lock. So whatever had happened before the path
changed is in it. It is read when it is needed, not when something arrives.
"""

import ctypes
import socket
import struct
from collections.abc import Container, Iterator
from dataclasses import dataclass, field

from netvsc_bpf.kernel.net.link_watch import enlarge, listen, received
from netvsc_bpf.kernel.net.rtnetlink import Message
from netvsc_bpf.kernel.net.upper_devices import Link, parse_link

_GROUPS = 1 << 0 | 1 << 2 | 1 << 4 | 1 << 8  # RTMGRP_LINK, _NEIGH, _IPV4_IFADDR, _IPV6_IFADDR
_NEWLINK, _DELLINK, _DELADDR, _NEWNEIGH, _DELNEIGH = 16, 17, 21, 28, 29
_HEADER = struct.Struct("=IHHII")
_IFINFOMSG = struct.Struct("=BxHi")  # family, type, index: the head of struct ifinfomsg
_IFADDRMSG = struct.Struct("=4xI")  # the index in struct ifaddrmsg
_NDMSG_SIZE, _NDA_LLADDR = 12, 2
_SO_ATTACH_FILTER = 26  # include/uapi/asm-generic/socket.h
_LOAD_HALF, _LOAD_BYTE, _IF_EQUAL, _RETURN = 0x28, 0x30, 0x15, 0x06  # include/uapi/linux/filter.h
_FILTER = (
    (_LOAD_HALF, 0, 0, 4),  # nlmsghdr.nlmsg_type
    (_IF_EQUAL, 7, 0, socket.htons(_NEWLINK)),
    (_IF_EQUAL, 6, 0, socket.htons(_DELLINK)),
    (_IF_EQUAL, 5, 0, socket.htons(_DELADDR)),
    (_IF_EQUAL, 1, 0, socket.htons(_NEWNEIGH)),
    (_IF_EQUAL, 0, 2, socket.htons(_DELNEIGH)),
    (_LOAD_BYTE, 0, 0, _HEADER.size),  # ndmsg.ndm_family
    (_IF_EQUAL, 1, 0, socket.AF_BRIDGE),
    (_RETURN, 0, 0, 0),
    (_RETURN, 0, 0, 0xFFFFFFFF),
)
"""struct sock_filter: code, instructions to skip if it is true, and if it is not, operand."""


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
        self._socket = listen(_GROUPS)
        try:
            _filter(self._socket)
            enlarge(self._socket)
        except BaseException:
            self._socket.close()
            raise

    def take(self, relevant: Container[int]) -> Changes:
        """Return what changed since the last call; of interfaces only the `relevant` ones (ifindexes).

        Any thread may call it, one at a time; it never waits.
        """
        changes = Changes()
        for data in received(self._socket):
            note(changes, data, relevant)
        return changes

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def note(changes: Changes, data: bytes, relevant: Container[int]) -> None:
    """Add the messages of one datagram to the changes; an empty one means lost messages. Pure."""
    changes.lost = changes.lost or not data
    for kind, body in _messages(data):
        if kind in (_NEWLINK, _DELLINK):
            family, _, ifindex = _IFINFOMSG.unpack_from(body)
            if ifindex in relevant:
                whole = kind == _NEWLINK and family == socket.AF_UNSPEC
                changes.links[ifindex] = parse_link(Message(kind, body)) if whole else None
        elif kind == _DELADDR:
            changes.addresses.add(_IFADDRMSG.unpack_from(body)[0])
        elif kind in (_NEWNEIGH, _DELNEIGH):
            changes.macs.add(Message(kind, body).attributes(_NDMSG_SIZE).get(_NDA_LLADDR, b""))


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        yield kind, data[at + _HEADER.size : at + length]
        at += max(length, _HEADER.size) + -length % 4


def _filter(there: socket.socket) -> None:
    """Keep other messages out of the queue, above all those about ARP and neighbour tables."""
    raw = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in _FILTER))
    program = struct.pack("@HP", len(_FILTER), ctypes.addressof(raw))
    there.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
