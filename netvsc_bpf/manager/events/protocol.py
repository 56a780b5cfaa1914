# SPDX-License-Identifier: GPL-2.0-only
"""The protocol of the manager's socket. Pure.

A request is one line, an answer several. `events` requests the buffered events, `events follow` new ones as
well, `waits` how long VFs will not be used, `probes` what the probe found, `look` a reconciliation of all
pairs, `undamp IFINDEX` that the failures of a VF are forgotten. Each line of an answer is a JSON object: an
event (Event.as_record()), or one with the key `control`.
"""

import json
from collections.abc import Sequence
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
    PROBES = "probes"
    UNDAMP = "undamp"
    """`undamp IFINDEX`: forget the failures of that pair's VF, then as `look`."""
    LOOK = "look"
    """Reconcile now; the answer comes when all due steps have been done, or have failed."""


class Control(StrEnum):
    """The closed set of lines that are not events."""

    READY = "ready"
    """The request has been answered completely."""
    WAIT = "wait"
    """`left_s`: for how many seconds the VF of the pair `ifindex` will not be used."""
    PROBE = "probe"
    """`targets`, `state`, `last_answer` (null: none yet) of the probe of the pair `ifindex`."""
    MISSED = "missed"
    """`events`: how many were dropped from the buffer before the client fetched them."""
    REFUSED = "refused"
    """`why`. The connection ends."""


def parse_request(line: bytes) -> tuple[Request, int | None] | None:
    """Parse a client's request, with the number that `undamp` takes; None if it is invalid."""
    try:
        words = line.decode().split()
        if words[:1] == [Request.UNDAMP.value]:
            _, number = words
            return Request.UNDAMP, int(number)
        return Request(" ".join(words)), None
    except ValueError:  # UnicodeDecodeError is a ValueError
        return None


def event_line(event: Event) -> bytes:
    """Return the line of an event."""
    return _line(event.as_record())


def control_line(control: Control, **said: str | float | Sequence[str] | None) -> bytes:
    """Return a control line."""
    return _line({CONTROL: control.value, **said})


def parse_lines(data: bytes) -> tuple[list[Record], bytes]:
    """Return the objects of the complete lines, and the rest. Raises ValueError for anything else."""
    *lines, rest = data.split(b"\n")
    records = [json.loads(line) for line in lines]
    if not all(isinstance(record, dict) for record in records):
        raise ValueError("a line is not a JSON object")
    return records, rest


def _line(record: Record) -> bytes:
    return json.dumps(record).encode() + b"\n"
