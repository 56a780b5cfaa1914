# SPDX-License-Identifier: GPL-2.0-only
"""Identifies the process at the other end of a Unix socket, as reported by the kernel."""

import socket
import struct
from dataclasses import dataclass
from typing import Protocol

_UCRED = struct.Struct("=3i")
"""struct ucred (include/linux/socket.h): pid, uid, gid."""


class SocketLike(Protocol):
    """A socket, or asyncio's view of one."""

    def getsockopt(self, level: int, option: int, length: int, /) -> bytes:
        """See socket.socket."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A process as it was when it connected, or when it began to listen (unix(7), SO_PEERCRED)."""

    pid: int
    uid: int


def peer(connected: SocketLike) -> Peer:
    """Return the process at the other end. Raises OSError."""
    pid, uid, _ = _UCRED.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return Peer(pid, uid)
