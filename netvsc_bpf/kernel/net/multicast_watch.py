# SPDX-License-Identifier: GPL-2.0-only
"""Being told that somebody joined or left a multicast group.

A link's message does not come with it. RTM_NEWMULTICAST does, in groups of its own (RTNLGRP_IPV4_MCADDR and
RTNLGRP_IPV6_MCADDR, Linux 6.14, tried on 6.18). Older kernels tell nothing but new IPv6 addresses, whose
solicited-node groups neighbour discovery needs; for the rest we read the list now and then. Memberships of
packet sockets (PACKET_ADD_MEMBERSHIP, LLDP) and `ip maddr add` are told by no kernel.
"""

import asyncio
import errno
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from netvsc_bpf.kernel.net.link_watch import listen, received

_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP = 270, 1
_IPV4_MCADDR, _IPV6_MCADDR, _IPV6_IFADDR = 37, 38, 9  # enum rtnetlink_groups
_HEADER = struct.Struct("=IHHII")
_IFADDRMSG = struct.Struct("=4xI")
"""The index in struct ifaddrmsg, which all of these begin with (include/uapi/linux/if_addr.h)."""
_SHORTEST = _HEADER.size + _IFADDRMSG.size
_LIST = Path("/proc/thread-self/net/dev_mcast")
_LOOK_S = 5.0


class MembershipWatch:
    """Calls back when a multicast list of this process's network namespace may have changed."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        wake: Callable[[], None],
        *,
        concerns: Callable[[int], bool] = lambda ifindex: True,
        list_file: Path = _LIST,
        look_s: float = _LOOK_S,
    ) -> None:
        """`concerns` says of an interface (ifindex) whether to wake."""
        self._loop, self._wake, self._file, self._look_s = loop, wake, list_file, look_s
        self._concerns = concerns
        self._socket = listen(0)
        self._timer: asyncio.TimerHandle | None = None
        self.told = _join(self._socket, _IPV4_MCADDR) and _join(self._socket, _IPV6_MCADDR)
        """The kernel tells; where it does not, the list is read."""
        if not self.told:
            _join(self._socket, _IPV6_IFADDR)
            self._last = self._listed()
            self._timer = loop.call_later(look_s, self._look)
        loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        # A list, for everything must be taken.
        if any([self._is_ours(data) for data in received(self._socket)]):
            self._wake()

    def _is_ours(self, data: bytes) -> bool:
        """Tell whether a datagram is about a list that concerns us; what was lost (empty) may be."""
        at = 0
        while at + _SHORTEST <= len(data):
            length, *_ = _HEADER.unpack_from(data, at)
            if self._concerns(_IFADDRMSG.unpack_from(data, at + _HEADER.size)[0]):
                return True
            at += max(length, _HEADER.size) + -length % 4
        return not data

    def _listed(self) -> list[bytes]:
        lines = self._file.read_bytes().split(b"\n")
        return [line for line in lines if line and self._concerns(int(line.partition(b" ")[0]))]

    def _look(self) -> None:
        self._timer = self._loop.call_later(self._look_s, self._look)
        now = self._listed()
        if now != self._last:
            self._last = now
            self._wake()


def _join(there: socket.socket, group: int) -> bool:
    """Join a netlink group; return False where the kernel has no such group (EINVAL)."""
    try:
        there.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, group)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return False
    return True
