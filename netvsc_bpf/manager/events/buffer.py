# SPDX-License-Identifier: GPL-2.0-only
"""The last events of a manager, kept in memory for whoever asks. There is no file: they end with it."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from itertools import islice
from threading import Lock

from netvsc_bpf.manager.events.kinds import Event
from netvsc_bpf.manager.state.config import EVENTS_KEPT


@dataclass(frozen=True, slots=True)
class Batch:
    """Some events in a row, for a reader who had those before."""

    events: tuple[Event, ...]
    after: int
    """Where to go on."""
    missed: int
    """How many were forgotten before the reader came for them."""


class EventBuffer:
    """A listener that keeps the last `size` events. Any thread may tell; readers live on one event loop."""

    def __init__(self, size: int = EVENTS_KEPT) -> None:
        self._events: deque[Event] = deque(maxlen=size)
        self._total = 0
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()

    def __call__(self, event: Event) -> None:
        """Keep an event, and wake those who wait for one."""
        with self._lock:
            self._events.append(event)
            self._total += 1
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._wake)

    def serve(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Name the loop on which readers wait; None before it is closed."""
        with self._lock:
            self._loop = loop

    def after(self, number: int, most: int) -> Batch:
        """Return at most `most` of the events behind the first `number` ones that there ever were."""
        with self._lock:
            first = self._total - len(self._events)
            begin = max(number, first)
            found = tuple(islice(self._events, begin - first, begin - first + most))
            return Batch(found, begin + len(found), begin - number)

    def next_event(self) -> Coroutine[None, None, object]:
        """Return what ends once something is told after this very call."""
        return self._news.wait()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
