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
        self._socket = listen(_GROUPS)
        loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Stop watching."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        drain(self._socket)
        self._wake()


def listen(groups: int) -> socket.socket:
    """Return a socket that hears these groups (RTMGRP_*) and more that it may join later.

    It is bound in any case: unbound it has the kernel's own port, and a broadcast leaves its sender out.
    """
    there = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
    there.bind((0, groups))
    return there


def drain(there: socket.socket) -> None:
    """Take everything that waits; a message that was lost (ENOBUFS) is as good as one that came."""
    while True:
        try:
            there.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
