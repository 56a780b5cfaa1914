# SPDX-License-Identifier: GPL-2.0-only
"""Reads the neighbours of an interface that the kernel has heard from."""

import errno
import socket
import struct
from ipaddress import IPv4Address, IPv6Address

from netvsc_bpf.kernel.net.rtnetlink import Message, Rtnetlink, attribute

_RTM_GETNEIGH = 30
_NDMSG = struct.Struct("=BxxxiHBB")  # include/uapi/linux/neighbour.h
_NDA_DST, _NDA_LLADDR, _NDA_IFINDEX = 1, 2, 8
_HEARD = 0x02 | 0x04 | 0x08 | 0x10
"""NUD_REACHABLE, NUD_STALE, NUD_DELAY, NUD_PROBE.

A permanent entry was made by an administrator: it does not show that the neighbour exists.
"""


def neighbours(rtnl: Rtnetlink, ifindex: int) -> dict[IPv4Address | IPv6Address, bytes]:
    """Return the MACs of the neighbours from which the kernel has had an answer. Raises OSError."""
    found: dict[IPv4Address | IPv6Address, bytes] = {}
    for family in (socket.AF_INET, socket.AF_INET6):
        body = _NDMSG.pack(family, 0, 0, 0, 0) + attribute(_NDA_IFINDEX, struct.pack("=I", ifindex))
        try:
            entries = rtnl.dump(_RTM_GETNEIGH, body)
        except OSError as error:
            if error.errno not in (errno.ENODEV, errno.EOPNOTSUPP):  # it is gone; no IPv6
                raise
            continue
        found.update(
            one for one in map(parse_neighbour, entries, [ifindex] * len(entries)) if one is not None
        )
    return found


def parse_neighbour(entry: Message, ifindex: int) -> tuple[IPv4Address | IPv6Address, bytes] | None:
    """Parse one RTM_NEWNEIGH: address and MAC; None if another interface's, or never heard. Pure."""
    family, owner, state, _, _ = _NDMSG.unpack_from(entry.body)
    found = entry.attributes(_NDMSG.size)
    mac = found.get(_NDA_LLADDR, b"")
    if owner != ifindex or not state & _HEARD or len(mac) != 6 or _NDA_DST not in found:
        return None
    raw = found[_NDA_DST]
    return (IPv4Address(raw) if family == socket.AF_INET else IPv6Address(raw)), mac
