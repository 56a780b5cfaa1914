# SPDX-License-Identifier: GPL-2.0-only
"""An event as one line for people. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from netvsc_bpf.model.event_words import event_word
from netvsc_bpf.model.names import shown
from netvsc_bpf.model.timestamp import local

_WORD_WIDTH = 9
_SEVERITY_WIDTH = 7
_SINCE = {"switched": "the previous change", "undrained": "the drain began"}
"""From when the duration of an event counts, where it is not how long a step took."""


@dataclass(slots=True)
class EventLines:
    """Formats records as `events --json` prints them, in columns that stay aligned from line to line.

    `zone` None is the machine's own time zone.
    """

    zone: tzinfo | None = None
    _name_width: int = 8

    def line(self, record: Mapping[str, Any]) -> str:
        """Return one line, even if the record contains line breaks or control characters."""
        at = local(datetime.fromisoformat(str(record["time"])), self.zone, precise=True)
        name = plain(str(record["interface"]))
        self._name_width = max(self._name_width, len(name))
        said = (plain(str(record["text"])), *durations(record))
        return (
            f"{at}  {record['severity']:{_SEVERITY_WIDTH}}  "
            f"{name:{self._name_width}}  {event_word(record['event']):{_WORD_WIDTH}}  {', '.join(said)}"
        )


def durations(record: Mapping[str, Any]) -> list[str]:
    """Return the durations that a record contains, in words."""
    said = []
    if (join := record.get("join_s")) is not None:
        said.append(f"{seconds(join)} after the VF appeared")
    if (took := record.get("duration_s")) is not None:
        since = _SINCE.get(record["event"])
        said.append(f"took {seconds(took)}" if since is None else f"{seconds(took)} after {since}")
    return said


def seconds(amount: float) -> str:
    """Return a duration with its unit: 0.4 ms, 12.3 ms, 1.234 s, 86400 s."""
    if amount < 1:
        return f"{amount * 1000:.1f} ms"
    return f"{amount:.3f} s" if amount < 60 else f"{amount:.0f} s"


def plain(text: str) -> str:
    """Return a text on a single line, without control characters."""
    return " / ".join(line.strip() for line in shown(text).strip("\n").split("\n"))
