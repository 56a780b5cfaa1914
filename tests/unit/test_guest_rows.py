# SPDX-License-Identifier: GPL-2.0-only
"""The scenarios that must hold on other kernels each have a test that runs there."""

import re
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
ROWS = frozenset(
    {1, 2, 10, 11, 16, 17, 18, 19, 22, 27, 33, 34, 37, 38, 39, 41, 42, 48, 53, 58, 61, 65, 71}
    | {72, 95, 98, 101, 102, 103, 105}
)
"""Marked V among the design's scenarios."""


def test_every_row_that_is_marked_v_has_a_test_for_guests() -> None:
    collect = [sys.executable, "-m", "pytest", "-m", "guest", "--collect-only", "-q"]
    collected = subprocess.run(
        [*collect, "tests/vm", "tests/kernel"], cwd=REPO, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    tested = {int(row) for row in re.findall(r"(?<=[_\[\-])s(\d{2,3})(?=[_\-\]])", collected)}
    assert tested >= ROWS, f"no test for guests: {sorted(ROWS - tested)}"
