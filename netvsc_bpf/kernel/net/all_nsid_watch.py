# SPDX-License-Identifier: GPL-2.0-only
"""Watches other network namespaces without keeping them alive.

A socket in another namespace would keep it alive. A socket of this namespace also receives messages of others
(NETLINK_LISTEN_ALL_NSID, Linux 4.2), of all that have an id here (nsid), which is attached to each message.
It requires CAP_NET_BROADCAST.
"""

import asyncio
import errno
import struct
from collections.abc import Callable

from netvsc_bpf.kernel.net.link_watch import listen

_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, _NETLINK_LISTEN_ALL_NSID = 270, 1, 8
_LINK_AND_TC = 1 << 0 | 1 << 3  # RTMGRP_*, as NetlinkWatch
_LISTS = (37, 38, 9)  # RTNLGRP_IPV4_MCADDR, IPV6_MCADDR, IPV6_IFADDR, as MembershipWatch
_NSID = 28  # RTNLGRP_NSID: a namespace got an nsid, or is gone
_RTM_DELNSID = 89
_HEADER = struct.Struct("=IH")
_NUMBER = struct.Struct("=i")


class AllNsidWatch:
    """Calls back with the nsid of a namespace in which something changed, or with None when one is gone."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[int | None], None]) -> None:
        self._loop, self._wake = loop, wake
        self._socket = listen(_LINK_AND_TC)
        try:
            self._socket.setsockopt(_SOL_NETLINK, _NETLINK_LISTEN_ALL_NSID, 1)
            for group in (*_LISTS, _NSID):
                self._join(group)
        except BaseException:
            self._socket.close()
            raise
        loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Stop watching."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _join(self, group: int) -> None:
        try:
            self._socket.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, group)
        except OSError as error:
            if error.errno != errno.EINVAL:  # the kernel does not have that group
                raise

    def _read(self) -> None:
        numbers: set[int | None] = set()
        while True:
            try:
                data, beside, _, _ = self._socket.recvmsg(65536, 256)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                numbers.add(None)  # messages were lost, of an unknown namespace
                continue
            numbers |= {
                _NUMBER.unpack(value)[0] for _, kind, value in beside if kind == _NETLINK_LISTEN_ALL_NSID
            }
            if _HEADER.unpack_from(data)[1] == _RTM_DELNSID:
                numbers.add(None)
        for number in numbers:
            self._wake(number)
