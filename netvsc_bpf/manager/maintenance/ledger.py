# SPDX-License-Identifier: GPL-2.0-only
"""Which notices are known, which are due, and how long they count while their source is silent. Pure.

Times of day are converted to CLOCK_BOOTTIME when a notice is read, and again with each later reading: a clock
that is set afterwards, or a source that does not answer any more, changes nothing. What was due once stays
due until it is gone.

- A notice is due when it has started, or `lead_s` before its NotBefore.
- It is over when its source answers without it.
- If the source is silent, a known notice still becomes due. It is dropped SLACK_S after the time at which it
  should have been over: its start (or the last answer, if that was later), and its duration.
- Before the first answer of each source the drains of an earlier manager are left as they are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto

from netvsc_bpf.manager.maintenance.notice import Key, Notice, Order, Source
from netvsc_bpf.model.drain import MAX_FOR_S

SLACK_S = 900.0
"""Azure usually removes an event ten minutes after it has started."""
RENEW_S = 60.0
"""The end of a drain is moved in steps of at least this, each of which takes the writer lock."""


class Stage(Enum):
    """What has become of a notice."""

    SCHEDULED = auto()
    STARTED = auto()
    ENDED = auto()
    LOST = auto()
    """Its source has been silent for too long."""


@dataclass(frozen=True, slots=True)
class Now:
    """One moment, by two clocks."""

    boot_s: float
    """CLOCK_BOOTTIME."""
    utc: datetime


@dataclass(frozen=True, slots=True)
class _Known:
    """Times are CLOCK_BOOTTIME in seconds."""

    notice: Notice
    starts_at: float
    over_at: float
    due: bool = False


News = tuple[Stage, Notice]


@dataclass(slots=True)
class Ledger:
    """The notices of all sources."""

    _known: dict[Key, _Known] = field(default_factory=dict)
    _answered: set[Source] = field(default_factory=set)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """All known notices."""
        return tuple(one.notice for one in self._known.values())

    def answered(self, source: Source, notices: Iterable[Notice], now: Now) -> list[News]:
        """Take the current notices of a source; return what has changed."""
        self._answered.add(source)
        current = {one.key: one for one in notices}
        news: list[News] = []
        for key, notice in current.items():
            before = self._known.get(key)
            self._known[key] = replace(_known(notice, now), due=before is not None and before.due)
            if before is None:
                news.append((Stage.STARTED if notice.started else Stage.SCHEDULED, notice))
            elif notice.started and not before.notice.started:
                news.append((Stage.STARTED, notice))
        for key in [key for key in self._known if key.source is source and key not in current]:
            news.append((Stage.ENDED, self._known.pop(key).notice))
        return news

    def forget(self, source: Source) -> None:
        """Forget a source: it is not read any more, or another one in its place."""
        self._answered.discard(source)
        self._known = {key: one for key, one in self._known.items() if key.source is not source}

    def drop_lost(self, now: Now) -> list[News]:
        """Drop the notices that should have been over long ago; a source that answers renews its own."""
        lost = [key for key, one in self._known.items() if one.over_at <= now.boot_s]
        return [(Stage.LOST, self._known.pop(key).notice) for key in lost]

    def order(self, sources: Iterable[Source], now: Now, lead_s: float, before: Order) -> Order:
        """Return what to do now, with these sources; `before` itself if that has not changed."""
        for key, one in self._known.items():
            if one.notice.started or one.starts_at - lead_s <= now.boot_s:
                self._known[key] = replace(one, due=True)
        due = {key: one for key, one in self._known.items() if one.due}
        certain = self._answered.issuperset(sources)
        made = Order(certain=certain)
        if due:
            made = Order(frozenset(due), _until(due), next(iter(due.values())).notice.why, certain)
        same = (before.due, before.certain) == (made.due, made.certain)
        return before if same and made.until < before.until + RENEW_S * 1e9 else made


def _until(due: Mapping[Key, _Known]) -> int:
    """Return when their drain ends by itself: not before the ledger drops them."""
    return round((max(one.over_at for one in due.values()) + RENEW_S) * 1e9)


def _known(notice: Notice, now: Now) -> _Known:
    ahead_s = 0.0 if notice.not_before is None else (notice.not_before - now.utc).total_seconds()
    # Any date may be announced, but the kernel's clock ends in 584 years.
    starts_at = now.boot_s + min(max(0.0, ahead_s), MAX_FOR_S)
    return _Known(notice, starts_at, starts_at + notice.duration_s + SLACK_S)
