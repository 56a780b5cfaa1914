# SPDX-License-Identifier: GPL-2.0-only
"""Which of Azure's events count, and that nothing else is taken for one."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from netvsc_bpf.manager.maintenance.azure_document import parse_events, parse_name, start_requests
from netvsc_bpf.manager.maintenance.notice import Key, Notice, Source
from netvsc_bpf.model.drain import MAX_WHY_BYTES
from netvsc_bpf.model.errors import NoticesUnavailable

FREEZE = {
    "EventId": "C7061BAC-AFDC-4513-B24B-AA5F13A16123",
    "EventStatus": "Scheduled",
    "EventType": "Freeze",
    "ResourceType": "VirtualMachine",
    "Resources": ["WestNO_0", "WestNO_1"],
    "NotBefore": "Mon, 11 Apr 2022 22:26:58 GMT",
    "Description": "Virtual machine is being paused because of a memory-preserving Live Migration operation.",
    "EventSource": "Platform",
    "DurationInSeconds": 5,
}


def document(*events: Any, **other: Any) -> bytes:
    return json.dumps({"DocumentIncarnation": 2, "Events": list(events), **other}).encode()


def parsed(**other: Any) -> Notice:
    """The notice of the event above with other members; a member that is None is left out."""
    event = {key: value for key, value in {**FREEZE, **other}.items() if value is not None}
    (notice,) = parse_events(document(event), "WestNO_0")
    return notice


def test_s99_scheduled_event_is_read_in_utc() -> None:
    assert parsed() == Notice(
        Key(Source.AZURE, FREEZE["EventId"]),  # type: ignore[arg-type]
        "Freeze",
        started=False,
        not_before=datetime(2022, 4, 11, 22, 26, 58, tzinfo=UTC),
        duration_s=5.0,
        text=str(FREEZE["Description"]),
    )


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("Mon, 11 Apr 2022 22:26:58 GMT", 22),
        ("Mon, 11 Apr 2022 22:26:58 +0200", 20),
        ("11 Apr 2022 22:26:58 UT", 22),
    ],
)
def test_s99_time_zone_of_not_before_counts(written: str, hour: int) -> None:
    not_before = parsed(NotBefore=written).not_before
    assert not_before is not None and (not_before.hour, not_before.tzinfo) == (hour, UTC)


@pytest.mark.parametrize("not_before", ["", "nonsense", None], ids=repr)
def test_s99_started_event_needs_no_time(not_before: str | None) -> None:
    notice = parsed(EventStatus="Started", NotBefore=not_before)
    assert notice.started and notice.not_before is None


@pytest.mark.parametrize(("written", "seconds"), [(9, 9), (0, 0), (-1, 0), (None, 0), (10**12, 86_400)])
def test_s99_unknown_duration_is_none_and_a_long_one_is_a_day(written: int | None, seconds: float) -> None:
    assert parsed(DurationInSeconds=written).duration_s == seconds


@pytest.mark.parametrize("name", ["WestNO_0", "westno_0"])
def test_s99_name_of_this_vm_counts_without_case(name: str) -> None:
    assert len(parse_events(document(FREEZE), name)) == 1


def test_s99_event_for_other_vms_does_not_count_and_may_look_like_anything() -> None:
    nonsense = {**FREEZE, "EventStatus": 7, "NotBefore": [], "EventId": None}
    assert parse_events(document(FREEZE, nonsense), "WestNO_2") == ()
    assert parse_events(document({**nonsense, "Resources": [None, 5, "WestNO"]}), "WestNO_0") == ()


@pytest.mark.parametrize(
    "kind", ["Preempt", "Terminate", "Defragment", 5, None, [], ["Freeze"], {}], ids=repr
)
def test_s99_event_of_a_type_that_needs_no_drain_does_not_count(kind: object) -> None:
    assert parse_events(document({**FREEZE, "EventType": kind, "EventStatus": "?"}), "WestNO_0") == ()


@pytest.mark.parametrize("kind", ["Freeze", "Reboot", "Redeploy"])
def test_s99_types_that_need_a_drain(kind: str) -> None:
    assert parsed(EventType=kind).kind == kind


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"<html></html>",
        b"[" * 100_000,
        b'{"DocumentIncarnation": 1}',
        b'{"Events": []}',
        b'{"DocumentIncarnation": "1", "Events": []}',
        b'{"DocumentIncarnation": true, "Events": []}',
        b'{"DocumentIncarnation": 1, "Events": {}}',
        b'{"DocumentIncarnation": 1, "Events": [1]}',
        b'{"DocumentIncarnation": 1, "Events": [{"Resources": "WestNO_0"}]}',
        b'{"DocumentIncarnation": ' + b"9" * 5000 + b', "Events": []}',
    ],
    ids=range(15),
)
def test_s99_document_that_makes_no_sense_is_no_answer(raw: bytes) -> None:
    with pytest.raises(NoticesUnavailable):
        parse_events(raw, "WestNO_0")


@pytest.mark.parametrize(
    "other",
    [
        {"EventId": None},
        {"EventId": ""},
        {"EventId": 7},
        {"EventId": "x" * 129},
        {"EventId": "a\nb"},
        {"EventStatus": None},
        {"EventStatus": "Completed"},
        {"NotBefore": None},
        {"NotBefore": ""},
        {"NotBefore": 1649715958},
        {"NotBefore": "2022-04-11"},
        {"NotBefore": "Mon, 11 Apr 2022 22:26:58 -0000"},
        {"NotBefore": "Mon, 41 Apr 2022 22:26:58 GMT"},
        {"NotBefore": "Mon, 11 Apr 99999 22:26:58 GMT"},
        {"NotBefore": "Fri, 31 Dec 9999 23:59:59 -2300"},
        {"DurationInSeconds": "5"},
        {"DurationInSeconds": 1.5},
        {"DurationInSeconds": True},
    ],
    ids=str,
)
def test_s99_one_event_of_this_vm_that_makes_no_sense_spoils_the_answer(other: dict[str, Any]) -> None:
    good = {**FREEZE, "EventId": "good"}
    with pytest.raises(NoticesUnavailable):
        parse_events(
            document(good, {key: value for key, value in {**FREEZE, **other}.items() if value is not None}),
            "WestNO_0",
        )


def test_s99_two_events_with_one_id_make_no_sense_unless_they_are_the_same() -> None:
    started = {**FREEZE, "EventStatus": "Started"}
    assert len(parse_events(document(started, started), "WestNO_0")) == 1
    for both in ([started, FREEZE], [FREEZE, started]):
        with pytest.raises(NoticesUnavailable, match="two events have the same EventId"):
            parse_events(document(*both), "WestNO_0")


@pytest.mark.parametrize(
    "text", ["x" * 5000, "a\x1b[31m\nb\x00", "\udcff\ud800", "\u20ac" * 500, "", None, 5], ids=repr
)
def test_s99_any_description_fits_into_a_drain(text: object) -> None:
    why = parsed(Description=text).why
    assert why.isprintable() and "\0" not in why and len(why.encode()) <= MAX_WHY_BYTES
    assert why.startswith("maintenance, Freeze")


def test_s99_name_is_text() -> None:
    assert parse_name(b" vm-1\r\n") == "vm-1"
    for raw in (b"", b"  ", b"a b", b"{}", b"<html>", b"\xff", b"x" * 129, b"a\x00"):
        with pytest.raises(NoticesUnavailable):
            parse_name(raw)


def test_s99_acknowledging_names_the_events() -> None:
    assert json.loads(start_requests(["a", "b"])) == {"StartRequests": [{"EventId": "a"}, {"EventId": "b"}]}


def test_s99_answer_with_thousands_of_events_of_this_vm_makes_no_sense_but_others_may_have_as_many() -> None:
    events = [{**FREEZE, "EventId": str(number)} for number in range(1000)]
    with pytest.raises(NoticesUnavailable, match="more than 256 events for this VM"):
        parse_events(document(*events), "WestNO_0")
    assert len(parse_events(document(*events[:256]), "WestNO_0")) == 256
    assert parse_events(document(*events), "WestNO_2") == ()
