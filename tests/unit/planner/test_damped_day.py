# SPDX-License-Identifier: GPL-2.0-only
"""The picture and the numbers of docs/damping.md are what the damper comes to (row 20)."""

from pathlib import Path

from bench.damping import days, picture
from netvsc_bpf.planner.damping import DampingPolicy

REPO = Path(__file__).resolve().parents[3]
DOCS = REPO / "docs"


def test_the_picture_is_what_the_damper_does() -> None:
    anew = "draw it anew: .venv/bin/python -m bench.damping docs/pictures/damping.svg"
    assert (DOCS / "pictures/damping.svg").read_text() == picture(), anew


def test_s20_the_page_states_how_often_a_bad_vf_is_used() -> None:
    flapping, failing = days()
    page = " ".join((DOCS / "damping.md").read_text().split())
    assert f"used {len(flapping.promotions)} times, all in the first 12 seconds" in page
    assert flapping.promotions[-1] < 12.5
    assert f"used {len(failing.promotions)} times in a day" in page
    assert len(failing.promotions) / 24 < 5


def test_a_penalty_of_one_never_damps() -> None:
    flapping, _ = days(DampingPolicy(penalty=1.0))
    assert len(flapping.promotions) == 24 * 900
