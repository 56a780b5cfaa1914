# SPDX-License-Identifier: GPL-2.0-only
"""The scenarios that must hold on other kernels each have a test that runs there, on each true pair."""

import functools
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.vm.run import MATRIX
from tests.vm.verdict import Guest

REPO = Path(__file__).resolve().parents[2]
ROWS = frozenset(
    {1, 2, 10, 11, 16, 17, 18, 19, 22, 27, 33, 34, 37, 38, 39, 41, 42, 48, 53, 58, 61, 65, 71}
    | {72, 77, 83, 95, 96, 98, 101, 102, 103, 104, 105, 106}
)
"""Marked V among the design's scenarios."""
OF_THE_DRIVER = frozenset({101, 102, 103, 104, 105})
"""Of those, what hv_netvsc does itself: another kernel has another version of it."""
NOT_ON_HYPERV = {
    41: "igbvf and e1000e, the VFs that QEMU has for hv_netvsc, have one queue",
    65: "how programs are exchanged is the same for every driver",
    72: "what the programs compare, numbers and namespaces, is the same for every driver",
    83: "its host delivers each frame by one path, and guard is off there",
    95: "the order of our own steps is the same for every driver",
    106: "how the kernel removes a device is the same for every driver; Azure does not migrate like this",
}
"""Rows without a test on the pair of hv_netvsc, and why: mostly, it could show nothing new."""
NEWEST = MATRIX[-1]
_ON_HYPERV = re.compile(r"/hyperv/|\[hv_netvsc-|\[enslaved")
"""How the tests of this pair are called."""


def test_every_row_that_is_marked_v_has_a_test_for_guests() -> None:
    tested = _rows(_collected())
    assert tested >= ROWS, f"no test for guests: {sorted(ROWS - tested)}"


def test_every_row_has_a_test_on_hv_netvsc_or_a_reason_why_not() -> None:
    tested = _rows(filter(_ON_HYPERV.search, _collected()))
    assert tested >= ROWS - NOT_ON_HYPERV.keys(), f"not on hv_netvsc: {sorted(ROWS - tested)}"
    assert not tested & NOT_ON_HYPERV.keys(), "a reason that holds no more"


def test_s107_every_row_has_a_test_on_the_newest_kernel() -> None:
    tested = _rows(_collected(NEWEST.tests))
    assert tested >= ROWS, f"not on the newest kernel: {sorted(ROWS - tested)}"


@pytest.mark.parametrize("guest", MATRIX, ids=lambda guest: guest.kernel)
def test_what_the_driver_does_itself_is_tried_on_every_kernel(guest: Guest) -> None:
    tested = _rows(filter(_ON_HYPERV.search, _collected(guest.tests)))
    assert tested >= OF_THE_DRIVER, f"not on {guest.kernel}: {sorted(OF_THE_DRIVER - tested)}"


def _rows(tests: Iterable[str]) -> set[int]:
    return {int(row) for test in tests for row in re.findall(r"(?<=[_\[\-])s(\d{2,3})(?=[_\-\]])", test)}


@functools.cache
def _collected(marked: str = "guest") -> tuple[str, ...]:
    collect = [sys.executable, "-m", "pytest", "-m", marked, "--collect-only", "-q"]
    collected = subprocess.run(
        [*collect, "tests/vm", "tests/kernel"], cwd=REPO, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return tuple(line for line in collected.splitlines() if "::" in line)
