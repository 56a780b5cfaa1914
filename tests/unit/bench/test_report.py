# SPDX-License-Identifier: GPL-2.0-only
"""What a benchmark writes can be read again, and says all that a page has to state."""

import json
import sys
from pathlib import Path

import pytest

from bench.page.result import read
from bench.report import Claim, Report, laid_out


def test_a_report_is_read_as_it_was_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--rounds", "3", "--json", "x.json"])
    path = tmp_path / "new" / "made-up.json"
    report = Report("made-up", path)
    report.table("ms", ("", "median"), [("attach", 1.23456), ("none", "-")])
    report.say("a line")
    report.raw("ms", [1.0 / 3, 2])
    report.claim("attach", 0.5, 1.0, "s")
    report.claim("ratio", 0.5, 0.95, "", at_least=True)
    assert report.finish() == 1
    found = read(path)
    assert (found.file, found.benchmark, found.options) == ("made-up", "made-up", "--rounds 3")
    assert found.date.endswith("Z") and len(found.date) == 20
    assert {"kernel", "processor", "cpus", "memory_gb", "load_before", "load_after"} <= set(found.machine)
    assert found.tables[0].rows == (("attach", "1.23"), ("none", "-"))
    assert found.said == ("a line",)
    assert found.limits == (
        Claim("attach", 0.5, 1.0, "s"),
        Claim("ratio", 0.5, 0.95, "", at_least=True),
    )
    assert found.missed == found.limits[1:]
    assert found.raw == {"ms": [0.3333333, 2]}


def test_a_report_whose_limits_hold_ends_well(tmp_path: Path) -> None:
    report = Report("made-up", tmp_path / "made-up.json")
    report.claim("attach", 1.0, 1.0, "s")
    assert report.finish() == 0


def test_files_are_laid_out_line_by_line_and_stay_json() -> None:
    whole = {"a": {"x": [1, [2.123456789, "ü\n"]], 3: {}}, "b": [], "c": (True, None)}
    text = laid_out(whole)
    assert json.loads(text) == {"a": {"x": [1, [2.123457, "ü\n"]], "3": {}}, "b": [], "c": [True, None]}
    assert len(text.splitlines()) == 11
