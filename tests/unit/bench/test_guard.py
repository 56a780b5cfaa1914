# SPDX-License-Identifier: GPL-2.0-only
"""What `make bench-guard` makes of its figures."""

import json
from pathlib import Path

from bench.guard import Figures, guard_alone, judge, over
from bench.guarding import CASES, Case, Frame, InUse, Nic, Pair
from bench.report import Report

COMPARED = Case(Pair.EVIDENCE, InUse.VF, Nic.SYNTHETIC, Frame.BROADCAST)
HOME = Case(Pair.EVIDENCE, InUse.VF, Nic.VF, Frame.UNICAST)


def figures() -> Figures:
    return {case.name: [1000.0, 1002.0] for case in CASES}


def missed(folder: Path, found: Figures) -> list[str]:
    file = folder / "guard.json"
    report = Report("guard", file)
    judge(report, found, "6.12")
    report.finish()
    return [one["what"] for one in json.loads(file.read_text())["limits"] if not one["holds"]]


def test_each_case_is_compared_with_the_same_frame_by_the_same_nic() -> None:
    assert all(case.bare in CASES for case in CASES)
    assert len({case.name for case in CASES}) == len(CASES)
    found = figures() | {COMPARED.name: [1300.0, 1302.0], COMPARED.bare.name: [900.0, 902.0]}
    assert over(found, COMPARED) == 400.0


def test_what_a_link_anywhere_costs_is_not_guards_cost() -> None:
    assert COMPARED.unguarded in CASES
    found = figures() | {COMPARED.name: [1500.0], COMPARED.unguarded.name: [1030.0]}
    assert guard_alone(found, COMPARED) == 470.0


def test_limits_are_for_guard_alone(tmp_path: Path) -> None:
    assert missed(tmp_path, figures()) == []
    assert missed(tmp_path, figures() | {COMPARED.name: [1500.0]}) == [
        f"{COMPARED.name}: instructions for guard"
    ]
    assert missed(tmp_path, figures() | {HOME.name: [1012.0]}) == [
        "unicast by a VF in use: instructions more than with guard off"
    ]
