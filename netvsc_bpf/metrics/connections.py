# SPDX-License-Identifier: GPL-2.0-only
"""The exporter's open connections: a limited number; the oldest idle one is closed for a new one.

With a limit alone, a few silent clients could keep every scraper out. So a new connection is always accepted
as long as another one is idle: the one that has been idle longest is closed.
"""

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum


class State(IntEnum):
    """The state of a connection, in the order in which connections are closed to make room."""

    IDLE = 0
    """Waiting for the head of a request, or the client is not authenticated yet."""
    SENDING = 1
    """The answer is being sent."""
    WORKING = 2
    """The answer is being computed. Never closed: it takes milliseconds."""


@dataclass(slots=True, eq=False)
class Connection:
    """One client. With TLS `socket` is replaced by the encrypted one."""

    socket: socket.socket
    state: State = State.IDLE
    since: float = field(default_factory=time.monotonic)
    dropped: bool = False
    """It was closed to make room."""


class Connections:
    """The open connections. Methods may be called from any thread."""

    def __init__(self, most: int, patience_s: float = 1.0) -> None:
        self._most, self._patience_s = most, patience_s
        self._open: set[Connection] = set()
        self._changed = threading.Condition()

    def enter(self, accepted: socket.socket) -> Connection | None:
        """Add a new connection; None if all others are WORKING and stay so for `patience_s`."""
        with self._changed:
            if not self._changed.wait_for(self._make_room, self._patience_s):
                return None
            connection = Connection(accepted)
            self._open.add(connection)
            return connection

    def leave(self, connection: Connection) -> None:
        """Remove a connection, before its socket is closed; calling it again does nothing."""
        with self._changed:
            self._open.discard(connection)
            self._changed.notify()

    def turn(self, connection: Connection, state: State) -> None:
        """Set the state of a connection. One that is idle from the start is so since it was accepted."""
        with self._changed:
            if state is not connection.state:
                connection.state, connection.since = state, time.monotonic()
            self._changed.notify()

    def drop_oldest(self) -> bool:
        """Close the oldest connection that is not WORKING; False if there is none."""
        with self._changed:
            return self._drop_oldest()

    def _make_room(self) -> bool:
        return len(self._open) < self._most or self._drop_oldest()

    def _drop_oldest(self) -> bool:
        closable = [one for one in self._open if one.state is not State.WORKING]
        if not closable:
            return False
        oldest = min(closable, key=lambda one: (one.state, one.since))
        oldest.dropped = True
        self._open.discard(oldest)
        # Its thread wakes up and closes it. SSLSocket.shutdown() would drop the TLS state that it still uses.
        with suppress(OSError):
            socket.socket.shutdown(oldest.socket, socket.SHUT_RDWR)
        return True
