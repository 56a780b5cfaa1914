# SPDX-License-Identifier: GPL-2.0-only
"""The last events of a manager, buffered in memory for clients. They are lost when it ends."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from itertools import islice
from threading import Lock

from netvsc_bpf.manager.events.kinds import Event
from netvsc_bpf.manager.state.config import EVENTS_KEPT
from netvsc_bpf.model.severity import Severity


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive events, for a reader that has read the earlier ones."""

    events: tuple[Event, ...]
    after: int
    """The position after the last of them."""
    missed: int
    """How many events were dropped from the buffer before the reader fetched them."""


class EventBuffer:
    """A listener that keeps the last `size` events. Call it from any thread; readers use one event loop."""

    def __init__(self, size: int = EVENTS_KEPT) -> None:
        self._events: deque[Event] = deque(maxlen=size)
        self._total = 0
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()

    def __call__(self, event: Event) -> None:
        """Add an event, and wake the readers that wait for one; events of `debug` are for the log alone."""
        if event.severity is Severity.DEBUG:
            return
        with self._lock:
            self._events.append(event)
            self._total += 1
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._wake)

    def serve(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Set the event loop of the readers; None before it is closed."""
        with self._lock:
            self._loop = loop

    def after(self, number: int, most: int) -> Batch:
        """Return at most `most` events after the first `number` ones."""
        with self._lock:
            first = self._total - len(self._events)
            begin = max(number, first)
            found = tuple(islice(self._events, begin - first, begin - first + most))
            return Batch(found, begin + len(found), begin - number)

    def next_event(self) -> Coroutine[None, None, object]:
        """Return a coroutine that ends at the first event after this call."""
        return self._news.wait()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
