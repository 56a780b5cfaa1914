# SPDX-License-Identifier: GPL-2.0-only
"""Client of the manager of this thread's network namespace (protocol.py)."""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self

from netvsc_bpf.kernel.process.peer_credentials import peer
from netvsc_bpf.kernel.process.pin_root import trusted
from netvsc_bpf.manager.events.claim import socket_name
from netvsc_bpf.manager.events.protocol import Record, parse_lines
from netvsc_bpf.model.errors import Busy, NetvscBpfError, Refused

_WHAT = "cannot query the manager"
_PATIENCE_S = 5.0


class ManagerConnection:
    """A connection to a manager, with a request that has been sent."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket, self._rest = connected, b""
        self.pid = peer(connected).pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def lines(self, timeout_s: float) -> list[Record] | None:
        """Return the lines received since the last call, waiting at most `timeout_s`; None at the end.

        Raises NetvscBpfError for an answer that is not of the protocol.
        """
        ready = select.poll()
        ready.register(self._socket, select.POLLIN)
        if not ready.poll(timeout_s * 1000):
            return []
        try:
            data = self._socket.recv(1 << 18)
        except ConnectionError:
            return None
        if not data:
            return None
        try:
            records, self._rest = parse_lines(self._rest + data)
        except ValueError as error:
            raise NetvscBpfError(_WHAT, f"process {self.pid} sent an invalid answer ({error})") from None
        return records


def answers(request: str, patience_s: float) -> Iterator[Record]:
    """Yield the lines of a manager's answer that arrive within `patience_s`.

    There are none without a manager. A manager that is stopped, not trusted or of another version ends them.
    """
    with suppress(NetvscBpfError):
        manager = ask(request)
        if manager is None:
            return
        with manager:
            deadline = time.monotonic() + patience_s
            while (left := deadline - time.monotonic()) > 0:
                lines = manager.lines(left)
                if lines is None:
                    return
                yield from lines


def ask(request: str) -> ManagerConnection | None:
    """Send a request; None without a manager. Raises Busy if it does not answer, Refused if not trusted."""
    name = socket_name()
    if name is None:
        return None
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.settimeout(_PATIENCE_S)
        connected.connect(name)
        holder = peer(connected)
        if not trusted(holder.uid):
            why = f"process {holder.pid} of user {holder.uid} uses its socket name and is not trusted"
            raise Refused(_WHAT, why, "stop that process")
        with suppress(BrokenPipeError):  # it has closed already, and may have sent the reason
            connected.sendall(request.encode() + b"\n")
    except ConnectionError:  # no listener, or the manager just ended
        connected.close()
        return None
    except (TimeoutError, BlockingIOError):  # its backlog is full
        connected.close()
        raise Busy(_WHAT, "it does not answer", "check what it is doing: a driver may hang") from None
    except BaseException:
        connected.close()
        raise
    return ManagerConnection(connected)
