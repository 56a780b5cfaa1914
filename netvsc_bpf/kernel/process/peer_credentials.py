# SPDX-License-Identifier: GPL-2.0-only
"""Who is at the other end of a Unix socket: the kernel says it, nobody can claim it."""

import socket
import struct
from dataclasses import dataclass
from typing import Protocol

_UCRED = struct.Struct("=3i")
"""struct ucred (include/linux/socket.h): pid, uid, gid."""


class Asked(Protocol):
    """A socket, or what asyncio shows of one."""

    def getsockopt(self, level: int, option: int, length: int, /) -> bytes:
        """See socket.socket."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A process as it was when it connected, or when it began to listen (unix(7), SO_PEERCRED)."""

    pid: int
    uid: int


def peer(connected: Asked) -> Peer:
    """Return who is at the other end. Raises OSError."""
    pid, uid, _ = _UCRED.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return Peer(pid, uid)
