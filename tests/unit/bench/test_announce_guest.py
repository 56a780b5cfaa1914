# SPDX-License-Identifier: GPL-2.0-only
"""What `make bench-announce-guest` holds against its limits."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.announce_guest import judge
from bench.announcing import Job, Unplugged
from bench.report import Report

JOB = Job(times=2, held_ms=500, rate=500)
WELL = Unplugged(
    sent=1000,
    lost_before_stop=3,
    lost_after_stop=0,
    duplicates=0,
    receiver_drops=0,
    stopped_ms=20.0,
    held_ms=500.0,
    announced_ms=[30.0, 280.0],
)


def missed(folder: Path, *found: Unplugged, slower: float = 10.0) -> list[str]:
    file = folder / "announce-guest.json"
    report = Report("announce-guest", file)
    judge(report, list(found), JOB, slower)
    report.finish()
    return [one["what"] for one in json.loads(file.read_text())["limits"] if not one["holds"]]


def test_what_was_lost_before_the_driver_had_stopped_is_no_loss_of_failover(tmp_path: Path) -> None:
    assert missed(tmp_path, WELL, WELL) == []


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (replace(WELL, lost_after_stop=1), "lost after"),
        (replace(WELL, announced_ms=[]), "announced while"),
        (replace(WELL, announced_ms=[520.1]), "announced while"),
    ],
    ids=["lost", "not announced", "late"],
)
def test_one_time_of_many_is_enough_to_miss_a_limit(tmp_path: Path, changed: Unplugged, what: str) -> None:
    (found,) = missed(tmp_path, WELL, changed, slower=1000.0)
    assert found.startswith(what)


def test_slowness_of_the_guest_is_taken_out_of_the_first_announcement(tmp_path: Path) -> None:
    assert missed(tmp_path, WELL, WELL, slower=6.1) == []
    (found,) = missed(tmp_path, WELL, WELL, slower=5.9)
    assert found.startswith("the first announcement")


def test_times_that_were_not_measured_are_a_limit_missed(tmp_path: Path) -> None:
    assert missed(tmp_path, WELL) == ["times", "announced while RTNL is held"]
