# SPDX-License-Identifier: GPL-2.0-only
"""An event as a value, as a record, and as a line on stderr."""

import json
import os
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import TextIO

import pytest

from netvsc_bpf.manager.events.fan_out import tee
from netvsc_bpf.manager.events.kinds import Detail, Event, Kind, Severity
from netvsc_bpf.manager.events.log_writer import EventFormat, is_journal
from tests.unit.kernel.fake_clocks import Machine

MACHINE = Machine()
AT = MACHINE.stamp()
LEFT_DEAD = Event(
    Kind.SWITCHED, "eth0", "synthetic (vf-down)", AT, {Detail.TO: "synthetic", Detail.REASON: "vf-down"}
)


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[TextIO]:
    with (tmp_path / "stderr").open("w+") as opened:
        yield opened


def journal(stream: TextIO) -> dict[str, str]:
    found = os.fstat(stream.fileno())
    return {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}


def test_record_has_microseconds_in_utc_even_where_they_are_zero() -> None:
    assert LEFT_DEAD.as_record(MACHINE.clocks) == {
        "time": "2026-11-24T12:00:00.000000Z",
        "event": "switched",
        "severity": "warning",
        "interface": "eth0",
        "text": "synthetic (vf-down)",
        "to": "synthetic",
        "reason": "vf-down",
    }


def test_s110_an_event_that_is_kept_follows_a_clock_that_is_set() -> None:
    machine = Machine()
    event = Event(Kind.JOINED, "eth0", "vf0", machine.stamp())
    machine.is_set(3600)
    assert event.as_record(machine.clocks)["time"] == "2026-11-24T13:00:00.000000Z"


def test_no_detail_has_the_name_of_another_key() -> None:
    assert not set(Event(Kind.LEFT, "eth0", "").as_record()) & {detail.value for detail in Detail}


@pytest.mark.parametrize(
    ("reason", "severity"),
    [
        ("vf-down", Severity.WARNING),
        ("vf-gone", Severity.INFO),
        ("armed", Severity.INFO),
        ("synthetic-down", Severity.INFO),
        ("drained", Severity.INFO),
        (None, Severity.INFO),
    ],
)
def test_switch_is_a_warning_where_the_vf_failed(reason: str | None, severity: Severity) -> None:
    assert Event(Kind.SWITCHED, "eth0", "", details={Detail.REASON: reason}).severity is severity


def test_the_journal_gets_the_severity_of_each_line(stream: TextIO) -> None:
    form = EventFormat(stream, environ=journal(stream))
    assert form(LEFT_DEAD) == "<4>eth0: switched: synthetic (vf-down)"
    failed = Event(Kind.FAILED, "manager", "unexpected:\n  a traceback")
    assert form(failed) == "<3>manager: failed: unexpected:\n<3>  a traceback"
    assert form(Event(Kind.JOINED, "eth0", "vf0")) == "<6>eth0: joined: vf0"


@pytest.mark.parametrize("reported", [None, "", "1:2", "nonsense", "x:y", "7"])
def test_other_streams_get_time_and_severity(stream: TextIO, reported: str | None) -> None:
    environ = {} if reported is None else {"JOURNAL_STREAM": reported}
    form = EventFormat(stream, environ=environ, clocks=MACHINE.clocks)
    expected = "2026-11-24 12:00:00.000000+00:00  warning  eth0: switched: synthetic (vf-down)"
    assert form(LEFT_DEAD) == expected


def test_stream_without_a_file_is_not_the_journals() -> None:
    assert not is_journal(StringIO(), {"JOURNAL_STREAM": "8:1234"})


def test_json_lines_have_no_prefix_in_the_journal_either(stream: TextIO) -> None:
    form = EventFormat(stream, as_json=True, environ=journal(stream))
    assert json.loads(form(LEFT_DEAD)) == LEFT_DEAD.as_record()


def test_only_reconciliations_are_for_debugging() -> None:
    severities = {kind: Event(kind, "eth0", "").severity for kind in Kind}
    assert [kind for kind, one in severities.items() if one is Severity.DEBUG] == [Kind.RECONCILED]


def test_severities_are_ordered() -> None:
    assert Severity.ERROR.is_at_least(Severity.WARNING) and Severity.INFO.is_at_least(Severity.INFO)
    assert not Severity.DEBUG.is_at_least(Severity.INFO)


def test_tee_hands_an_event_to_all_in_order() -> None:
    reported: list[str] = []
    tee(lambda event: reported.append(f"first {event.text}"), lambda event: reported.append("second"))(
        Event(Kind.JOINED, "eth0", "vf0")
    )
    assert reported == ["first vf0", "second"]
