# SPDX-License-Identifier: GPL-2.0-only
"""Which events are shown: those of an interface, since a time, the last ones."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from netvsc_bpf.manager.events import selection
from netvsc_bpf.manager.events.protocol import Record
from netvsc_bpf.manager.events.selection import selected
from netvsc_bpf.model.errors import NoSuchNic
from netvsc_bpf.model.nic import Nic


@pytest.fixture(autouse=True)
def nics(monkeypatch: pytest.MonkeyPatch) -> None:
    eth0 = Nic(2, "eth0", "00:15:5d:01:02:03", 1500, True, True, altnames=("uplink",))
    monkeypatch.setattr(selection, "_nics", lambda: [eth0])


def record(number: int, interface: str, **details: object) -> Record:
    return {"time": f"2026-11-24T07:00:{number:02}.000000Z", "interface": interface, **details}


RECORDS = [
    record(1, "eth0"),
    record(2, "old0", ifindex=2),
    record(3, "eth1"),
    record(4, "manager"),
    record(5, "gone0"),
    record(6, "eth0"),
]


def seconds(batches: Iterator[list[Record]]) -> list[int]:
    return [datetime.fromisoformat(one["time"]).second for batch in batches for one in batch]


@pytest.mark.parametrize(
    ("interface", "found"),
    [
        (None, [1, 2, 3, 4, 5, 6]),
        ("eth0", [1, 2, 6]),
        ("uplink", [1, 2, 6]),
        ("gone0", [5]),
        ("manager", [4]),
    ],
)
def test_interface_is_known_by_any_of_its_names(interface: str | None, found: list[int]) -> None:
    assert seconds(selected(iter([RECORDS]), interface, None, None)) == found


def test_since_and_last_apply_together() -> None:
    since = datetime(2026, 11, 24, 7, 0, 3, tzinfo=UTC)
    assert seconds(selected(iter([RECORDS]), None, since, None)) == [3, 4, 5, 6]
    assert seconds(selected(iter([RECORDS]), None, since, 2)) == [5, 6]
    assert seconds(selected(iter([RECORDS]), "eth0", None, 1)) == [6]
    assert seconds(selected(iter([RECORDS]), None, None, 100)) == [1, 2, 3, 4, 5, 6]


def test_last_concerns_the_events_that_were_known_before() -> None:
    assert seconds(selected(iter([RECORDS[:3], RECORDS[3:]]), None, None, 1)) == [3, 4, 5, 6]


def test_interface_that_neither_exists_nor_has_events_is_refused() -> None:
    with pytest.raises(NoSuchNic, match="eth7"):
        list(selected(iter([RECORDS]), "eth7", None, None))
    assert seconds(selected(iter([[]]), "eth0", None, None)) == []
