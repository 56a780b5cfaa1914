# SPDX-License-Identifier: GPL-2.0-only
"""An event as one line for people. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from netvsc_bpf.model.names import shown

_KIND_WIDTH = 9
_SEVERITY_WIDTH = 7


@dataclass(slots=True)
class EventLines:
    """Makes lines of records as `events --json` prints them, in columns that stay where they are.

    `zone` None is the machine's own.
    """

    zone: tzinfo | None = None
    _name_width: int = 8

    def line(self, record: Mapping[str, Any]) -> str:
        """Return one line, whatever the record says."""
        at = datetime.fromisoformat(str(record["time"])).astimezone(self.zone)
        name = plain(str(record["interface"]))
        self._name_width = max(self._name_width, len(name))
        said = (plain(str(record["text"])), *durations(record))
        return (
            f"{at:%Y-%m-%d %H:%M:%S.%f}  {record['severity']:{_SEVERITY_WIDTH}}  "
            f"{name:{self._name_width}}  {record['event']:{_KIND_WIDTH}}  {', '.join(said)}"
        )


def durations(record: Mapping[str, Any]) -> list[str]:
    """Say how long things took, where the record tells it."""
    said = []
    if (join := record.get("join_s")) is not None:
        said.append(f"{seconds(join)} after the VF appeared")
    if (took := record.get("duration_s")) is not None:
        switched = record["event"] == "switched"
        said.append(f"{seconds(took)} after the last switch" if switched else f"took {seconds(took)}")
    return said


def seconds(amount: float) -> str:
    """Return a duration as people read it: 0.4 ms, 12.3 ms, 1.234 s, 86400 s."""
    if amount < 1:
        return f"{amount * 1000:.1f} ms"
    return f"{amount:.3f} s" if amount < 60 else f"{amount:.0f} s"


def plain(text: str) -> str:
    """Return a text that stays on its line and does nothing to a terminal."""
    return " / ".join(line.strip() for line in shown(text).strip("\n").split("\n"))
