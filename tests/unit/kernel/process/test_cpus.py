# SPDX-License-Identifier: GPL-2.0-only
"""Per-CPU maps have room for each possible CPU up to the highest, whether it is there or not."""

from pathlib import Path

import pytest

from netvsc_bpf.kernel.process.cpus import parse_cpu_list, possible_cpus


@pytest.mark.parametrize(
    ("text", "count"),
    [("0\n", 1), ("0-1\n", 2), ("0-127\n", 128), ("0,2\n", 3), ("0-3,8-11\n", 12), ("0-3,8", 9)],
)
def test_room_is_for_the_highest_number(text: str, count: int) -> None:
    assert parse_cpu_list(text) == count


def test_possible_and_not_online_cpus_count(tmp_path: Path) -> None:
    (tmp_path / "possible").write_text("0-7\n")
    (tmp_path / "online").write_text("0-1\n")
    assert possible_cpus(tmp_path / "possible") == 8
