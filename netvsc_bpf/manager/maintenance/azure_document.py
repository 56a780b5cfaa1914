# SPDX-License-Identifier: GPL-2.0-only
"""Azure's Scheduled Events: the requests, and what the answers mean. Pure.

As Microsoft documents it for Linux VMs ("Azure Metadata Service: Scheduled Events", version 2020-07-01). All
VMs of an availability set or scale set get the events of each other, so an event counts only if it names
this VM in Resources. Preempt and Terminate are ignored: the VM is deleted, and no path is better than
another. An event of another type, or for other VMs, may look like anything.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from netvsc_bpf.manager.maintenance.notice import Key, Notice, Source
from netvsc_bpf.manager.maintenance.text import MAX_DURATION_S, one_line, read_id, read_json, require_few
from netvsc_bpf.model.errors import NoticesUnavailable

EVENTS = "/metadata/scheduledevents?api-version=2020-07-01"
NAME = "/metadata/instance/compute/name?api-version=2021-02-01&format=text"
HEADERS = {"Metadata": "true"}
"""Required: proof that a request was not redirected here unintentionally."""

_DRAINED_FOR = frozenset({"Freeze", "Reboot", "Redeploy"})
_MAX_NAME = 128
_WHAT = "cannot use the answer of the metadata service"


def start_requests(ids: Iterable[str]) -> bytes:
    """Return the body of a request that acknowledges events."""
    return json.dumps({"StartRequests": [{"EventId": one} for one in ids]}).encode()


def parse_name(raw: bytes) -> str:
    """Return the name of this VM. Raises NoticesUnavailable."""
    name = raw.decode(errors="replace").strip()
    if not (0 < len(name) <= _MAX_NAME and name.isprintable() and not set(name) & set('<>{}"/ \ufffd')):
        raise NoticesUnavailable(_WHAT, "it is not the name of a VM")
    return name


def parse_events(raw: bytes, name: str) -> tuple[Notice, ...]:
    """Return the events of the VM of this name. Raises NoticesUnavailable if any of them makes no sense."""
    document = read_json(raw, _WHAT)
    incarnation, events = document.get("DocumentIncarnation"), document.get("Events")
    if isinstance(incarnation, bool) or not isinstance(incarnation, int):
        raise NoticesUnavailable(_WHAT, "it has no DocumentIncarnation")
    if not isinstance(events, list):
        raise NoticesUnavailable(_WHAT, "it has no list of Events")
    mine = [event for event in events if _concerns(event, name)]
    require_few(mine, _WHAT)
    found: dict[Key, Notice] = {}
    for notice in map(_notice, mine):
        if found.setdefault(notice.key, notice) != notice:
            raise NoticesUnavailable(_WHAT, "two events have the same EventId")
    return tuple(found.values())


def _concerns(event: object, name: str) -> bool:
    """Return whether to drain for an event. Names of Azure's resources are compared without case."""
    if not isinstance(event, dict):
        raise NoticesUnavailable(_WHAT, "one of its Events is not an object")
    resources = event.get("Resources")
    if not isinstance(resources, list):
        raise NoticesUnavailable(_WHAT, "an event has no list of Resources")
    mine = any(isinstance(one, str) and one.casefold() == name.casefold() for one in resources)
    kind = event.get("EventType")
    return mine and isinstance(kind, str) and kind in _DRAINED_FOR


def _notice(event: Mapping[str, Any]) -> Notice:
    started = event.get("EventStatus") == "Started"
    if not started and event.get("EventStatus") != "Scheduled":
        raise NoticesUnavailable(_WHAT, "an event is neither Scheduled nor Started")
    return Notice(
        Key(Source.AZURE, read_id(event.get("EventId"), "EventId", _WHAT)),
        kind=str(event["EventType"]),
        started=started,
        not_before=None if started else _not_before(event.get("NotBefore")),
        duration_s=_duration_s(event.get("DurationInSeconds")),
        text=one_line(event.get("Description")),
    )


def _not_before(value: object) -> datetime:
    """Parse an HTTP date (RFC 9110); its day of the week is not checked. Raises NoticesUnavailable."""
    try:
        parsed = parsedate_to_datetime(value if isinstance(value, str) else "")
        if parsed.tzinfo is not None:
            return parsed.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        pass
    raise NoticesUnavailable(_WHAT, "NotBefore of a scheduled event is not a date with a time zone")


def _duration_s(value: object) -> float:
    """Return the expected duration; -1 means unknown, and versions before 2020-07-01 have none."""
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int):
        raise NoticesUnavailable(_WHAT, "DurationInSeconds of an event is not a whole number")
    return float(min(max(value, 0), MAX_DURATION_S))
