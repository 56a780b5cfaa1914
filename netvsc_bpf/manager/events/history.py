# SPDX-License-Identifier: GPL-2.0-only
"""What has happened in this thread's network namespace, and what happens next, from whoever knows it.

A running manager knows most: joins, repairs, refusals. The kernel's own account of the changes of path
reaches further back than the manager's life, and goes on without one. A change that both tell is told once.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from netvsc_bpf.manager.events.client import ManagerConnection, ask
from netvsc_bpf.manager.events.kernel_history import KernelHistory
from netvsc_bpf.manager.events.kinds import Detail
from netvsc_bpf.manager.events.protocol import CONTROL, Control, Record, Request
from netvsc_bpf.model.errors import Busy, NetvscBpfError

_LOOK_S = 0.2
"""How often the kernel's account is read while no manager runs."""
_TURN_S = 1.0
"""How often a follower gets the word at least."""
_PATIENCE_S = 10.0
"""How long a manager may take to tell what it has kept."""
_REMEMBERED = 16384
_NOBODY = "no manager runs here: these are the changes of path that the kernel wrote down"
_FULL = "no manager runs here, and the kernel's account is full: of later changes only the last is known"


class History:
    """Events as records (Event.as_record()). `note` is told, once, what the reader has to know of them."""

    def __init__(self, note: Callable[[str], None]) -> None:
        """Raises MissingCapability, BpffsUnavailable."""
        self._kernel = KernelHistory()
        self._note = note
        self._noted = ""
        self._told: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)
        self._known: set[tuple[int, int]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kernel.close()

    def recent(self) -> list[Record]:
        """Return what is known, in the order of time. Raises ForeignLayout, Refused."""
        manager = self._ask(Request.EVENTS)
        if manager is None:
            return self._from_kernel()
        with manager:
            return self._kept(manager)

    def follow(self) -> Iterator[list[Record]]:
        """Yield what is known, then what happens, for ever; an empty list at least once a second."""
        while True:
            manager = self._ask(Request.FOLLOW)
            if manager is None:
                yield self._from_kernel()
            else:
                with manager:
                    yield from self._from_manager(manager)
                self._say("the manager has ended: from here on, what the kernel writes down")
                yield self._from_kernel()
            time.sleep(_LOOK_S)

    def _ask(self, request: Request) -> ManagerConnection | None:
        try:
            return ask(request)
        except Busy as error:
            self._say(str(error))
            return None

    def _from_kernel(self) -> list[Record]:
        found = self._news([event.as_record() for event in self._kernel.new()])
        if self._kernel.full:
            self._say(_FULL)
        elif not self._noted:
            self._say(_NOBODY)
        return found

    def _kept(self, manager: ManagerConnection) -> list[Record]:
        """Return what the manager has kept, and what the kernel knows from before its time."""
        found, deadline = [], time.monotonic() + _PATIENCE_S
        while (left := deadline - time.monotonic()) > 0:
            lines = manager.lines(left)
            if lines is None:
                self._say(f"process {manager.pid} ended before it had told everything")
                break
            found += self._events(lines)
            if any(line.get(CONTROL) == Control.READY for line in lines):
                break
        else:
            self._say(
                f"process {manager.pid} has not told everything within {_PATIENCE_S:.0f} s (is it stopped?): "
                "what it does not tell is what the kernel wrote down"
            )
        found += self._news([event.as_record() for event in self._kernel.new()])
        return sorted(found, key=lambda record: str(record["time"]))

    def _from_manager(self, manager: ManagerConnection) -> Iterator[list[Record]]:
        yield self._kept(manager)
        overdue: list[Record] = []
        while (lines := manager.lines(_TURN_S)) is not None:
            found = self._events(lines)
            if not lines:
                # It has been silent for a turn: what the kernel wrote down before that it does not tell.
                found += self._news(overdue)
                overdue = [event.as_record() for event in self._kernel.new()]
            yield found

    def _events(self, lines: list[Record]) -> list[Record]:
        """Return the events among lines, and take note of the others. Raises NetvscBpfError: refused."""
        for line in lines:
            match line.get(CONTROL):
                case Control.REFUSED:
                    raise NetvscBpfError("cannot ask the manager", str(line.get("why")))
                case Control.MISSED:
                    self._note(f"{line.get('events')} events were missed: they came too fast")
        return self._news([line for line in lines if CONTROL not in line])

    def _news(self, records: list[Record]) -> list[Record]:
        """Leave out the changes of path that were told before."""
        return [record for record in records if self._is_news(record)]

    def _is_news(self, record: Record) -> bool:
        if Detail.BOOTTIME_NS not in record:
            return True
        key = (record[Detail.IFINDEX], record[Detail.BOOTTIME_NS])
        if key in self._known:
            return False
        if len(self._told) == _REMEMBERED:
            self._known.discard(self._told[0])
        self._told.append(key)
        self._known.add(key)
        return True

    def _say(self, text: str) -> None:
        if text != self._noted:
            self._noted = text
            self._note(text)
