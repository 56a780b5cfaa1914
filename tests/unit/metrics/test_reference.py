# SPDX-License-Identifier: GPL-2.0-only
"""docs/metrics.md is what the collector describes."""

from pathlib import Path

from netvsc_bpf.metrics.families import FAMILIES
from netvsc_bpf.metrics.reference import page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"


def test_the_page_is_what_the_collector_describes() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"


def test_every_metric_has_its_row() -> None:
    text = PAGE.read_text()
    for family in FAMILIES:
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{family.full_name}` |")]
        assert family.help in row
