# SPDX-License-Identifier: GPL-2.0-only
"""Being told that an interface or a tc filter changed.

What changed is not read: whoever is woken looks at everything, so that a message lost to ENOBUFS is as good
as one that arrived.
"""

import asyncio
import errno
import socket
from collections.abc import Callable

_GROUPS = 1 << 0 | 1 << 3  # RTMGRP_LINK, RTMGRP_TC (include/uapi/linux/rtnetlink.h)


class NetlinkWatch:
    """Calls back when an interface or a filter of this thread's network namespace changed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        self._loop, self._wake = loop, wake
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        self._socket.bind((0, _GROUPS))
        loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Stop watching."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        while True:
            try:
                self._socket.recv(65536)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
        self._wake()
