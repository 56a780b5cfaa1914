# SPDX-License-Identifier: GPL-2.0-only
"""The events of this thread's network namespace, past and future, from the manager and from the kernel.

A running manager has most of them: joins, repairs, refusals. The kernel's own record of path changes goes
back to before the manager started, and continues without one. A change that is in both is returned once.
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
"""How often the kernel's record is read while no manager runs."""
_TURN_S = 1.0
"""The longest time between two results for a follower."""
_PATIENCE_S = 10.0
"""How long a manager may take to send its buffered events."""
_REMEMBERED = 16384
_NO_MANAGER = "no manager runs here: showing the path changes recorded by the kernel"
_FULL = "no manager runs here, and the kernel's buffer is full: of later path changes only the last is known"


class History:
    """Events as records (Event.as_record()). `note` is called, once each, with remarks for the reader."""

    def __init__(self, note: Callable[[str], None]) -> None:
        """Raises MissingCapability, BpffsUnavailable."""
        self._kernel = KernelHistory()
        self._note = note
        self._noted = ""
        self._returned: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)
        self._known: set[tuple[int, int]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kernel.close()

    def recent(self) -> list[Record]:
        """Return all known events, in order of time. Raises ForeignLayout, Refused."""
        manager = self._ask(Request.EVENTS)
        if manager is None:
            return self._from_kernel()
        with manager:
            return self._kept(manager)

    def follow(self) -> Iterator[list[Record]]:
        """Yield all known events, then new ones, for ever; an empty list at least once a second."""
        while True:
            manager = self._ask(Request.FOLLOW)
            if manager is None:
                yield self._from_kernel()
            else:
                with manager:
                    yield from self._from_manager(manager)
                self._say("the manager has ended: from here on, path changes recorded by the kernel")
                yield self._from_kernel()
            time.sleep(_LOOK_S)

    def _ask(self, request: Request) -> ManagerConnection | None:
        try:
            return ask(request)
        except Busy as error:
            self._say(str(error))
            return None

    def _from_kernel(self) -> list[Record]:
        found = self._new([event.as_record() for event in self._kernel.new()])
        if self._kernel.full:
            self._say(_FULL)
        elif not self._noted:
            self._say(_NO_MANAGER)
        return found

    def _kept(self, manager: ManagerConnection) -> list[Record]:
        """Return the manager's buffered events, and the kernel's from before the manager started."""
        found, deadline = [], time.monotonic() + _PATIENCE_S
        while (left := deadline - time.monotonic()) > 0:
            lines = manager.lines(left)
            if lines is None:
                self._say(f"process {manager.pid} ended before it had sent all events")
                break
            found += self._events(lines)
            if any(line.get(CONTROL) == Control.READY for line in lines):
                break
        else:
            self._say(
                f"process {manager.pid} did not send all events within {_PATIENCE_S:.0f} s (is it stopped?): "
                "the rest are path changes recorded by the kernel"
            )
        found += self._new([event.as_record() for event in self._kernel.new()])
        return sorted(found, key=lambda record: str(record["time"]))

    def _from_manager(self, manager: ManagerConnection) -> Iterator[list[Record]]:
        yield self._kept(manager)
        overdue: list[Record] = []
        while (lines := manager.lines(_TURN_S)) is not None:
            found = self._events(lines)
            if not lines:
                # Silent for a turn: it will not send the changes that the kernel recorded before that.
                found += self._new(overdue)
                overdue = [event.as_record() for event in self._kernel.new()]
            yield found

    def _events(self, lines: list[Record]) -> list[Record]:
        """Return the events among lines, and handle control lines. Raises NetvscBpfError: refused."""
        for line in lines:
            match line.get(CONTROL):
                case Control.REFUSED:
                    raise NetvscBpfError("cannot query the manager", str(line.get("why")))
                case Control.MISSED:
                    self._note(
                        f"{line.get('events')} events were missed: they came faster than they were read"
                    )
        return self._new([line for line in lines if CONTROL not in line])

    def _new(self, records: list[Record]) -> list[Record]:
        """Leave out the path changes that were returned before."""
        return [record for record in records if self._is_new(record)]

    def _is_new(self, record: Record) -> bool:
        if Detail.BOOTTIME_NS not in record:
            return True
        key = (record[Detail.IFINDEX], record[Detail.BOOTTIME_NS])
        if key in self._known:
            return False
        if len(self._returned) == _REMEMBERED:
            self._known.discard(self._returned[0])
        self._returned.append(key)
        self._known.add(key)
        return True

    def _say(self, text: str) -> None:
        if text != self._noted:
            self._noted = text
            self._note(text)
