# SPDX-License-Identifier: GPL-2.0-only
"""The tables as they come out: within 80 columns, nothing cut, no escape codes into a pipe."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console, RenderableType

from netvsc_bpf.model.path import Reason
from netvsc_bpf.model.status import Drops
from netvsc_bpf.view.cards import cards
from netvsc_bpf.view.rates import PairRates, PathRates, Rate
from netvsc_bpf.view.top_table import top_table
from tests.unit.view.shapes import CHANGED, ON_VF, on_synthetic

BUSY = PathRates(Rate(98_765_432, 99.9e9), Rate(1_234, 5.6e6))


def drawn(shown: RenderableType, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(shown)
    return out.getvalue()


def test_longest_names_and_numbers_fit_80_columns() -> None:
    longest = "a" * 15  # IFNAMSIZ - 1
    assert ON_VF.vf is not None
    pair = on_synthetic(
        Reason.SYNTHETIC_DOWN,
        synthetic=replace(ON_VF.synthetic, name=longest),
        vf=replace(ON_VF.vf, name="b" * 15),
        path_changes=99_999,
    )
    text = drawn(top_table([PairRates(pair, BUSY, BUSY, 12_345)], CHANGED))
    for part in (longest, "b" * 15, "synthetic-down", "99.9G", "98.8M", "5.60M", "99,999", "12,345"):
        assert part in text
    assert max(map(len, text.splitlines())) <= 80


def test_table_without_pairs_says_so() -> None:
    text = drawn(top_table([], CHANGED))
    assert "no pair is attached" in text
    assert max(map(len, text.splitlines())) <= 80


def test_pipe_gets_no_escape_codes() -> None:
    assert "\x1b" not in drawn(top_table([PairRates(ON_VF, BUSY, None, 0)], CHANGED))
    assert "\x1b" not in drawn(cards([ON_VF], CHANGED))


def test_card_says_path_reason_numbers_and_since_when() -> None:
    text = drawn(cards([ON_VF], CHANGED + timedelta(hours=2)))
    for part in (
        "eth0 (hv_netvsc)  path vf (armed)",
        "On the VF enP31819s1 since 2026-11-22 07:00:00+00:00 (2 h 0 min)",
        "enP31819s1 (mlx5_core, pci 7c4b:00:02.0), up",
        "VF 1,000 packets, 100 kB; synthetic 10 packets, 1.00 kB",
        "1 by the VF, 2 on delivery to eth0, 4 duplicates",
        "liveness fentry",
    ):
        assert part in text


def test_card_on_the_synthetic_path_says_why_and_what_helps() -> None:
    text = drawn(cards([on_synthetic(Reason.NO_CARRIER, drops=Drops())], CHANGED))
    assert "Why: enP31819s1 has no carrier" in text
    assert "-> check the other end" in text


@pytest.mark.parametrize("name", ["[red]eth0", "a[/b]"])
def test_name_that_looks_like_markup_is_shown_as_it_is(name: str) -> None:
    pair = replace(ON_VF, synthetic=replace(ON_VF.synthetic, name=name))
    assert name in drawn(cards([pair], CHANGED))
    assert name in drawn(top_table([PairRates(pair, None, None, 0)], CHANGED))
