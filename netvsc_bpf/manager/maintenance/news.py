# SPDX-License-Identifier: GPL-2.0-only
"""Events about maintenance, and about sources that cannot be read."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from netvsc_bpf.manager.events.kinds import MANAGER, Detail, Event, Kind, Value
from netvsc_bpf.manager.maintenance.ledger import News, Stage
from netvsc_bpf.manager.maintenance.notice import Notice, Source
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.timestamp import local, timestamp

QUIET_S = 600.0
"""A source must have worked for this long before the same problem is reported again."""
_MOST = 16
_KINDS = {
    Stage.SCHEDULED: Kind.MAINTENANCE_SCHEDULED,
    Stage.STARTED: Kind.MAINTENANCE_STARTED,
    Stage.ENDED: Kind.MAINTENANCE_ENDED,
    Stage.LOST: Kind.MAINTENANCE_ENDED,
}


def news_event(news: News, lead_s: float) -> Event:
    """Return the event that something has become of a notice."""
    stage, notice = news
    text = f"{notice.why} ({notice.key.source} {notice.key.id})"
    if stage is Stage.SCHEDULED and notice.not_before is not None:
        text = f"{text}, not before {local(notice.not_before)}; drains {lead_s:g} s before that"
    elif stage is Stage.LOST:
        text = f"{text}: its source has not answered since it should have been over"
    return Event(_KINDS[stage], MANAGER, text, details=_details(notice))


def acknowledged_event(notice: Notice) -> Event:
    """Return the event that a notice was acknowledged."""
    text = f"{notice.why} ({notice.key.source} {notice.key.id}): all pairs are drained, it may start"
    return Event(Kind.MAINTENANCE_ACKNOWLEDGED, MANAGER, text, details=_details(notice))


def _details(notice: Notice) -> dict[Detail, Value]:
    details: dict[Detail, Value] = {Detail.MAINTENANCE: notice.key.id, Detail.WHY: notice.why}
    if notice.not_before is not None:
        details[Detail.NOT_BEFORE] = timestamp(notice.not_before)
    return details


@dataclass(slots=True)
class SourceHealth:
    """Whether sources work, and which of their problems are new. Times are CLOCK_BOOTTIME in seconds."""

    _working_since: dict[Source, float | None] = field(default_factory=dict)
    """None: it does not work."""
    _reported: dict[Source, set[str]] = field(default_factory=dict)

    def works(self, source: Source, now: float) -> None:
        """Note that a source has answered."""
        since = self._working_since.get(source)
        since = self._working_since[source] = now if since is None else since
        if now - since >= QUIET_S:
            self._reported.pop(source, None)

    def fails(self, source: Source, error: NetvscBpfError) -> Event | None:
        """Note that a source cannot be read; return the event unless this was reported."""
        if not self.is_new(source, error):
            return None
        details: dict[Detail, Value] = {Detail.ERROR: type(error).__name__}
        return Event(Kind.REFUSED, MANAGER, f"{error}; drains are left as they are", details=details)

    def is_new(self, source: Source, error: Exception) -> bool:
        """Note that a source cannot be read; return whether to report it."""
        self._working_since[source] = None
        reported, text = self._reported.setdefault(source, set()), f"{type(error).__name__}: {error}"
        if text in reported or len(reported) >= _MOST:
            return False
        reported.add(text)
        return True

    def forget(self, source: Source) -> None:
        """Forget a source that is not read any more."""
        self._working_since.pop(source, None)
        self._reported.pop(source, None)

    def working(self, sources: Iterable[Source]) -> dict[str, bool]:
        """Return whether each of these sources works; False before its first answer."""
        return {one.value: self._working_since.get(one) is not None for one in sources}
