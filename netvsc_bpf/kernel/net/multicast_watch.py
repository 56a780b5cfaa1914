# SPDX-License-Identifier: GPL-2.0-only
"""Watches for changes of multicast memberships.

They cause no RTM_NEWLINK message. RTM_NEWMULTICAST reports them, in groups of its own (RTNLGRP_IPV4_MCADDR
and RTNLGRP_IPV6_MCADDR, Linux 6.14, tested on 6.18). Older kernels only report new IPv6 addresses, whose
solicited-node groups neighbour discovery needs; for the others the list is polled. No kernel reports
memberships of packet sockets (PACKET_ADD_MEMBERSHIP, LLDP) and of `ip maddr add`.
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
_POLL_S = 5.0


class MembershipWatch:
    """Calls back when a multicast list of this process's network namespace may have changed."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        wake: Callable[[], None],
        *,
        concerns: Callable[[int], bool] = lambda ifindex: True,
        list_file: Path = _LIST,
        poll_s: float = _POLL_S,
    ) -> None:
        """`concerns` decides for an interface (ifindex) whether to wake."""
        self._loop, self._wake, self._file, self._poll_s = loop, wake, list_file, poll_s
        self._concerns = concerns
        self._socket = listen(0)
        self._timer: asyncio.TimerHandle | None = None
        self.reported = _join(self._socket, _IPV4_MCADDR) and _join(self._socket, _IPV6_MCADDR)
        """The kernel reports changes; otherwise the list is polled."""
        if not self.reported:
            _join(self._socket, _IPV6_IFADDR)
            self._last = self._listed()
            self._timer = loop.call_later(poll_s, self._poll)
        loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        # A list, because the whole queue must be read.
        if any([self._is_relevant(data) for data in received(self._socket)]):
            self._wake()

    def _is_relevant(self, data: bytes) -> bool:
        """Return whether a datagram is about a list that concerns the pairs; an empty one (lost) may be."""
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

    def _poll(self) -> None:
        self._timer = self._loop.call_later(self._poll_s, self._poll)
        now = self._listed()
        if now != self._last:
            self._last = now
            self._wake()


def _join(there: socket.socket, group: int) -> bool:
    """Join a netlink group; return False if the kernel has no such group (EINVAL)."""
    try:
        there.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, group)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return False
    return True
