# SPDX-License-Identifier: GPL-2.0-only
"""`make bench-all` leaves no benchmark out, and ends one that takes too long."""

import re
from pathlib import Path

from bench.all import TURNS, Turn, take
from bench.page.result import read
from bench.page.sections import BENCH, SECTIONS


def benchmarks() -> set[str]:
    """Whatever writes a report is one."""
    texts = (path.read_text() for path in BENCH.glob("*.py"))
    return {one for text in texts for one in re.findall(r'= Report\("([\w-]+)"', text)}


def test_every_benchmark_has_its_turn_and_its_section() -> None:
    assert benchmarks() - {one.name for one in TURNS} == set()
    assert benchmarks() - set(SECTIONS) == set()
    assert len(benchmarks()) >= 15


def test_a_benchmark_leaves_its_result(tmp_path: Path) -> None:
    ended = take(Turn("damping", 60), tmp_path)
    assert ended.well and ended.verdict == "every limit kept"
    assert read(tmp_path / "damping.json").missed == ()


def test_one_that_is_not_done_in_time_is_ended_and_leaves_the_earlier_result_alone(tmp_path: Path) -> None:
    earlier = tmp_path / "damping.json"
    earlier.write_text("{}")
    ended = take(Turn("damping", 0.0), tmp_path)
    assert not ended.well and "NOT FINISHED" in ended.verdict
    assert earlier.read_text() == "{}"


def test_one_that_fails_before_it_has_a_result_is_distinguished(tmp_path: Path) -> None:
    ended = take(Turn("no_such_benchmark", 60), tmp_path)
    assert not ended.well and "no result" in ended.verdict
