# SPDX-License-Identifier: GPL-2.0-only
"""Asking the manager of this thread's network namespace for its events (protocol.py)."""

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
from netvsc_bpf.manager.events.protocol import Record, Request, parse_lines
from netvsc_bpf.model.errors import Busy, NetvscBpfError, Refused

_WHAT = "cannot ask the manager"
_PATIENCE_S = 5.0


class ManagerConnection:
    """A connection to a manager that has been asked something."""

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
        """Return what was told since the last time, waiting so long for it; None once the manager ended it.

        Raises NetvscBpfError for what no manager would say.
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
            raise NetvscBpfError(_WHAT, f"process {self.pid} does not speak its language ({error})") from None
        return records


def answers(request: Request, patience_s: float) -> Iterator[Record]:
    """Give what a manager answers, line by line, as far as it has come within so many seconds.

    There are none where no manager runs. One that is stopped, not to be trusted, or of another version ends
    them.
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


def ask(request: Request) -> ManagerConnection | None:
    """Ask; None where no manager runs. Raises Busy where it does not answer, Refused where it is none."""
    name = socket_name()
    if name is None:
        return None
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.settimeout(_PATIENCE_S)
        connected.connect(name)
        holder = peer(connected)
        if not trusted(holder.uid):
            why = f"process {holder.pid} of user {holder.uid} holds its name and is not trusted"
            raise Refused(_WHAT, why, "stop that process")
        with suppress(BrokenPipeError):  # it has ended already, and may have said why
            connected.sendall(request.encode() + b"\n")
    except ConnectionError:  # nobody listens, or it ended in this very moment
        connected.close()
        return None
    except (TimeoutError, BlockingIOError):  # too many wait already
        connected.close()
        raise Busy(_WHAT, "it does not answer", "see what it is doing: a driver may hang") from None
    except BaseException:
        connected.close()
        raise
    return ManagerConnection(connected)
