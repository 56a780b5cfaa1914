# SPDX-License-Identifier: GPL-2.0-only
"""The file of events: its format, and that mistakes in it drain nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from netvsc_bpf.manager.maintenance.event_file import parse_file
from netvsc_bpf.manager.maintenance.notice import Key, Notice, Source
from netvsc_bpf.model.errors import NoticesUnavailable

NOW = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)


def parsed(*events: Any) -> tuple[Notice, ...]:
    return parse_file(json.dumps({"events": events}).encode(), NOW)


def test_s99_event_without_a_time_has_started() -> None:
    key = Key(Source.FILE, "migration-1")
    assert parsed({"id": "migration-1"}) == (Notice(key, "by file", started=True),)


@pytest.mark.parametrize("written", ["2026-11-24T20:00:00Z", "2026-11-24T21:00:00+01:00"])
def test_s99_event_to_come_is_scheduled_in_any_time_zone(written: str) -> None:
    (notice,) = parsed({"id": "a", "not_before": written, "why": "kernel\nupdate"})
    assert (notice.started, notice.not_before) == (False, NOW + timedelta(hours=1))
    assert notice.why == "maintenance, by file: kernel update"


def test_s99_time_in_the_past_has_started() -> None:
    (notice,) = parsed({"id": "a", "not_before": "2026-11-24T19:00:00Z"})
    assert (notice.started, notice.not_before) == (True, None)


def test_s99_event_is_over_at_its_end() -> None:
    events = [{"id": "a", "until": "2026-11-24T19:00:00Z"}, {"id": "b", "until": "2026-11-24T19:00:01Z"}]
    assert [one.key.id for one in parsed(*events)] == ["b"]


def test_s99_no_events_are_no_maintenance() -> None:
    assert parsed() == ()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"x",
        b"[]",
        b"{}",
        b'{"events": {}}',
        b'{"events": [1]}',
        b"\xff",
        b'{"events": [',
        b'{"Events": []}',
    ],
    ids=repr,
)
def test_s99_file_that_makes_no_sense_is_refused(raw: bytes) -> None:
    with pytest.raises(NoticesUnavailable):
        parse_file(raw, NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"id": ""},
        {"id": 1},
        {"id": "a", "not_before": "2026-11-24T20:00:00"},
        {"id": "a", "not_before": "tomorrow"},
        {"id": "a", "not_before": 1764000000},
        {"id": "a", "until": "0001-01-01T00:00:00+23:00"},
        {"id": "a", "notbefore": "2026-11-24T20:00:00Z"},
        {"id": "good"},
    ],
    ids=str,
)
def test_s99_one_event_that_makes_no_sense_spoils_the_file(wrong: dict[str, Any]) -> None:
    with pytest.raises(NoticesUnavailable, match="cannot use the file of events: "):
        parsed({"id": "good"}, wrong)


def test_s99_file_with_thousands_of_events_is_a_mistake() -> None:
    assert len(parsed(*({"id": str(number)} for number in range(256)))) == 256
    with pytest.raises(NoticesUnavailable, match="more than 256 events"):
        parsed(*({"id": str(number)} for number in range(257)))
