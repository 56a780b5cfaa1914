# SPDX-License-Identifier: GPL-2.0-only
"""docs/events.md documents exactly the events and details of the code."""

import re
from pathlib import Path

from netvsc_bpf.discovery.refusal import Cause
from netvsc_bpf.manager.events.kinds import Detail, Event, Kind

PAGE = (Path(__file__).resolve().parents[4] / "docs/events.md").read_text()


def rows(title: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    (text,) = [one for one in section if one.startswith(f"{title}\n")]
    table = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def keys(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_kind_is_there_with_its_severity() -> None:
    reported = {keys(row[0])[0]: row[1] for row in rows("Kinds")}
    assert set(reported) == {kind.value for kind in Kind}
    for kind in Kind:
        assert reported[kind.value].split()[-1] == Event(kind, "eth0", "").severity.value


def test_every_detail_is_there() -> None:
    assert [keys(row[0])[0] for row in rows("Details")] == [detail.value for detail in Detail]
    for row in rows("Kinds"):
        assert set(keys(row[3])) <= {detail.value for detail in Detail}


def test_every_key_that_is_always_there() -> None:
    assert [keys(row[0])[0] for row in rows("JSON")] == list(Event(Kind.LEFT, "eth0", "").as_record())


def test_every_cause_of_a_refusal_is_named() -> None:
    (reason,) = [row[1] for row in rows("Details") if keys(row[0]) == ["reason"]]
    assert {cause.value for cause in Cause} <= set(keys(reason))
