# SPDX-License-Identifier: GPL-2.0-only
"""A notice of maintenance, and what the notices together demand of the pairs. Pure."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from netvsc_bpf.model.drain import MAX_WHY_BYTES


class Source(StrEnum):
    """Where notices come from."""

    AZURE = "azure"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Key:
    """Identifies a notice as long as it is announced."""

    source: Source
    id: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One maintenance of this VM's host."""

    key: Key
    kind: str
    """Azure's EventType, or the word "maintenance"."""
    started: bool
    not_before: datetime | None = None
    """When it starts at the earliest; None if it has started, or the time is not known."""
    duration_s: float = 0.0
    """How long it is expected to take; 0 if that is not known."""
    text: str = ""
    """The description by its source, on one line."""

    @property
    def why(self) -> str:
        """The reason of the drain, at most MAX_WHY_BYTES of UTF-8."""
        text = f"maintenance, {self.kind}: {self.text}" if self.text else f"maintenance, {self.kind}"
        return text.encode(errors="replace")[:MAX_WHY_BYTES].decode(errors="ignore")


@dataclass(frozen=True, slots=True)
class Order:
    """What the known notices demand: with `due` every managed pair is drained, without it none for them.

    The first order of a manager, before any source has answered, is the default.
    """

    due: frozenset[Key] = frozenset()
    until: int = 0
    """When the maintenance is over at the latest, if nothing is heard any more: CLOCK_BOOTTIME in ns."""
    why: str = ""
    certain: bool = False
    """All sources have answered; before that a drain by an earlier manager may have a reason."""


class NoticeSource(Protocol):
    """Reads the notices of one source."""

    source: Source

    def read(self) -> Awaitable[tuple[Notice, ...]]:
        """Return all current notices of this VM. Raises NoticesUnavailable."""
        ...
