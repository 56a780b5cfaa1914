# SPDX-License-Identifier: GPL-2.0-only
"""An event as one line."""

from datetime import timedelta, timezone
from typing import Any

import pytest

from netvsc_bpf.view.event_lines import EventLines, plain, seconds

ZONE = timezone(timedelta(hours=1))


def record(**changed: Any) -> dict[str, Any]:
    return {
        "time": "2026-11-24T07:00:00.000123Z",
        "event": "switched",
        "severity": "info",
        "interface": "eth0",
        "text": "vf (armed)",
        **changed,
    }


def test_time_is_local_and_durations_are_said() -> None:
    line = EventLines(ZONE).line(record(join_s=0.2345, duration_s=61.2))
    assert line == (
        "2026-11-24 08:00:00.000123+01:00  info     eth0      switched   vf (armed), "
        "234.5 ms after the VF appeared, 61 s after the previous change"
    )


def test_columns_stay_and_widen_for_a_long_name() -> None:
    lines = EventLines(ZONE)
    first = lines.line(record())
    lines.line(record(interface="enP31819s1np0"))
    third = lines.line(record(severity="warning", event="withdrawn"))
    assert first.index("switched") + 5 == third.index("withdrawn")


def test_step_says_how_long_it_took() -> None:
    assert (
        EventLines(ZONE)
        .line(record(event="joined", text="vf0", duration_s=0.0123))
        .endswith("joined     vf0, took 12.3 ms")
    )


def test_end_of_a_drain_says_how_long_it_lasted() -> None:
    line = EventLines(ZONE).line(record(event="undrained", text="its time has ended", duration_s=2.0))
    assert line.endswith("undrained  its time has ended, 2.000 s after the drain began")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("one\n  two\n", "one / two"), ("\x1b[31mred", r"\x1b[31mred"), ("Zürich", "Zürich"), ("", "")],
)
def test_text_stays_on_its_line_and_does_nothing_to_a_terminal(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("amount", "shown"), [(0.0004, "0.4 ms"), (0.9, "900.0 ms"), (1.2344, "1.234 s"), (86400, "86400 s")]
)
def test_durations(amount: float, shown: str) -> None:
    assert seconds(amount) == shown
