# SPDX-License-Identifier: GPL-2.0-only
"""What `make bench-announce` holds against its limits."""

import json
from pathlib import Path

import pytest

from bench.announce import Left, judge
from bench.report import Report

WELL = Left(announced_ms=0.5, answered_ms=1000.0)


@pytest.mark.parametrize(
    ("found", "missed"),
    [
        ([WELL, WELL, WELL], []),
        ([WELL, WELL, Left(30.0, 1000.0)], []),
        ([WELL, WELL, Left(30.0, 20.0)], ["announced while RTNL is held"]),
        ([WELL, Left(5.1, 1000.0), Left(5.2, 1000.0)], ["the first announcement, median"]),
    ],
    ids=["at once", "one waited for a processor", "one waited for netlink", "late"],
)
def test_announced_before_netlink_answers_each_time_and_mostly_at_once(
    tmp_path: Path, found: list[Left], missed: list[str]
) -> None:
    file = tmp_path / "announce.json"
    report = Report("announce", file)
    judge(report, found, len(found))
    report.finish()
    assert [one["what"] for one in json.loads(file.read_text())["limits"] if not one["holds"]] == missed
