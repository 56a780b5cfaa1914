# SPDX-License-Identifier: GPL-2.0-only
"""The sockets of the announcer, in the manager's own network namespace or in another one."""

from collections.abc import Container, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from netvsc_bpf.kernel.net.announcement_watch import AnnouncementWatch, Changes
from netvsc_bpf.kernel.net.packet_socket import RawSender


@dataclass(slots=True)
class AnnouncementSockets:
    """A packet socket for sending, and a watch for what changes.

    Closing a packet socket takes an RCU grace period, and a VF that joins meanwhile would wait for one more.
    So those of the manager's own namespace (`own`) are kept open. In another namespace there is no watch, and
    the packet socket is closed each time: an open socket would keep that namespace alive.
    """

    own: bool
    _sender: RawSender | None = None
    _watch: AnnouncementWatch | None = None

    def open(self) -> None:
        """Open what is kept open, in this thread's namespace, if it is not open yet. Raises OSError."""
        if self.own and self._sender is None:
            self._watch = self._watch or AnnouncementWatch()
            self._sender = RawSender()

    def close(self) -> None:
        """Close what is open; open() opens it again."""
        sender, watch, self._sender, self._watch = self._sender, self._watch, None, None
        if sender is not None:
            sender.close()
        if watch is not None:
            watch.close()

    @contextmanager
    def sending(self) -> Iterator[RawSender]:
        """Yield the packet socket; in another namespace one of this thread's namespace. Raises OSError."""
        if self._sender is not None:
            yield self._sender
            return
        with closing(RawSender()) as sender:
            yield sender

    def changes(self, relevant: Container[int]) -> Changes:
        """Return what changed since the last call, or since open(); nothing if there is no watch."""
        return Changes() if self._watch is None else self._watch.take(relevant)
