# SPDX-License-Identifier: GPL-2.0-only
"""What is said on the manager's socket. Pure.

One line comes, lines go. `events` asks for the events that are kept, `events follow` for those to come as
well, `waits` for how long VFs will be left alone, `look` for a look at the pairs. Each line of the answer is
a JSON object: an event (Event.as_record()), or one with the key `control`.
"""

import json
from enum import StrEnum
from typing import Any

from netvsc_bpf.manager.events.kinds import Event

Record = dict[str, Any]

CONTROL = "control"
LONGEST_REQUEST = 256
"""Bytes."""


class Request(StrEnum):
    """The closed set of requests."""

    EVENTS = "events"
    FOLLOW = "events follow"
    WAITS = "waits"
    LOOK = "look"
    """Look at the pairs now; the answer comes when what was due has been done, or has failed."""


class Control(StrEnum):
    """The closed set of lines that are no event."""

    READY = "ready"
    """All that was asked for has been told, or done."""
    WAIT = "wait"
    """`left_s`: for how many seconds the VF of the pair `ifindex` will not be used."""
    MISSED = "missed"
    """`events`: how many were forgotten before you came for them."""
    REFUSED = "refused"
    """`why`. The connection ends."""


def parse_request(line: bytes) -> Request | None:
    """Return what a client wants, None for what nobody can want."""
    try:
        return Request(" ".join(line.decode().split()))
    except ValueError:  # UnicodeDecodeError is one
        return None


def event_line(event: Event) -> bytes:
    """Return the line of an event."""
    return _line(event.as_record())


def control_line(control: Control, **said: str | float) -> bytes:
    """Return a line that is no event."""
    return _line({CONTROL: control.value, **said})


def parse_lines(data: bytes) -> tuple[list[Record], bytes]:
    """Return the objects of the complete lines, and the rest. Raises ValueError for what is no object."""
    *lines, rest = data.split(b"\n")
    records = [json.loads(line) for line in lines]
    if not all(isinstance(record, dict) for record in records):
        raise ValueError("a line is no JSON object")
    return records, rest


def _line(record: Record) -> bytes:
    return json.dumps(record).encode() + b"\n"
