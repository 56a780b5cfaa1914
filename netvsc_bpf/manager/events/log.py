# SPDX-License-Identifier: GPL-2.0-only
"""The manager's log on standard error: events as lines, written by a thread of its own.

A full disk, a closed or stopped terminal, a pipe without a reader: none of it may block the manager. Lines
that cannot be written, or that wait behind too many others, are lost and counted, and the count is written
as soon as writing works again. `netvsc-bpf events` still has those events.
"""

import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from netvsc_bpf.kernel.process import stdio
from netvsc_bpf.manager.events.kinds import MANAGER, Event, Kind
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.severity import Severity

_MOST = 1024
_END_S = 3.0


class Log:
    """A listener of events that neither blocks nor raises. Call it from any thread, in the `with` block."""

    def __init__(
        self,
        form: Callable[[Event], str],
        fd: int = stdio.STDERR,
        most: int = _MOST,
        level: Severity = Severity.INFO,
    ) -> None:
        """`level`: less severe events are not written."""
        self._form, self._most, self._level = form, most, level
        self._waiting: deque[Event] = deque()
        self._lost = self._reported = 0
        self._closing = False
        self._changed = threading.Condition()
        self._writer = stdio.Writer(fd)
        self._writer.hurried = lambda: self._closing
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)

    def __enter__(self) -> Self:
        """Raises NetvscBpfError if no thread can be started."""
        try:
            self._thread.start()
        except RuntimeError as error:
            raise NetvscBpfError("cannot write a log", str(error), "check TasksMax of the service") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the waiting events, as far as possible within a second."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(_END_S)

    def __call__(self, event: Event) -> None:
        """Queue an event for writing."""
        if not event.severity.is_at_least(self._level):
            return
        with self._changed:
            if len(self._waiting) >= self._most:
                self._lost += 1
            else:
                self._waiting.append(event)
                self._changed.notify()

    def set_level(self, level: Severity) -> None:
        """Write less severe events no more, or again. Any thread may call it."""
        self._level = level

    def lost(self) -> int:
        """Return how many events were not written."""
        return self._lost

    def _run(self) -> None:
        while (event := self._next()) is not None:
            lost = self._lost
            if lost > self._reported and self._write(_lost_event(lost - self._reported)):
                self._reported = lost
            if not self._write(event):
                with self._changed:
                    self._lost += 1

    def _next(self) -> Event | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            return self._waiting.popleft() if self._waiting else None

    def _write(self, event: Event) -> bool:
        """Write an event; return whether it succeeded."""
        try:
            self._writer.write(f"{self._form(event)}\n".encode(errors="backslashreplace"))
        except TimeoutError:
            with self._changed:  # shutting down without a reader: the other events would not be read either
                self._lost += len(self._waiting)
                self._waiting.clear()
            return False
        except OSError:
            return False
        return True


def _lost_event(number: int) -> Event:
    return Event(
        Kind.FAILED, MANAGER, f"{number} events are missing here: they could not be written to stderr"
    )
