# SPDX-License-Identifier: GPL-2.0-only
"""What the manager tells: one line for each thing that happened, as text or JSON."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO


class Kind(StrEnum):
    """The closed set of things that can happen to a pair."""

    AWAITED = "awaited"
    ATTACHED = "attached"
    REPAIRED = "repaired"
    JOINED = "joined"
    LEFT = "left"
    RELEASED = "released"
    PERMITTED = "permitted"
    WITHDRAWN = "withdrawn"
    SWITCHED = "switched"
    FOLLOWED = "followed"
    DAMPED = "damped"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `at` is the kernel's time where the kernel did it."""

    kind: Kind
    interface: str
    text: str
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    details: dict[str, str | int | float | None] = field(default_factory=dict)


class EventWriter:
    """Writes events to a stream, for the journal."""

    def __init__(self, stream: TextIO, *, as_json: bool = False) -> None:
        self._stream, self._as_json = stream, as_json

    def __call__(self, event: Event) -> None:
        """Write one event."""
        if self._as_json:
            record = {
                "time": event.at.isoformat(),
                "event": event.kind.value,
                "interface": event.interface,
                "text": event.text,
                **event.details,
            }
            line = json.dumps(record)
        else:
            line = f"{event.interface}: {event.kind.value}: {event.text}"
        # In one go: two threads tell events.
        self._stream.write(f"{line}\n")
        self._stream.flush()
