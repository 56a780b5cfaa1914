# SPDX-License-Identifier: GPL-2.0-only
"""The tables as they come out: within 80 columns, nothing cut, no escape codes into a pipe."""

import io
import os
import pty
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click import unstyle
from netvsc_bpf.cli import terminal
from netvsc_bpf.cli.console import for_people
from rich.console import Console, RenderableType

from netvsc_bpf.doctor.finding import ok, warning
from netvsc_bpf.model.attach_choice import AttachChoice
from netvsc_bpf.model.drain import Drained
from netvsc_bpf.model.path import GuardMode, Reason
from netvsc_bpf.model.status import Drops, PairStatus
from netvsc_bpf.view.cards import cards
from netvsc_bpf.view.findings import findings_table
from netvsc_bpf.view.rates import PairRates, PathRates, Rate, as_json
from netvsc_bpf.view.top_list import top_list
from netvsc_bpf.view.top_table import LEAST_WIDTH, top_table
from tests.module_at import module_at
from tests.unit.view.shapes import CHANGED, ON_VF, on_synthetic

REPO = Path(__file__).resolve().parents[3]
BUSY = PathRates(Rate(98_765_432, 99.9e9), Rate(1_234, 5.6e6))


def drawn(shown: RenderableType, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(shown)
    return out.getvalue()


def card(*pairs: PairStatus, now: datetime = CHANGED, width: int = 80) -> str:
    return unstyle(cards(pairs, now, width))


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


@pytest.mark.parametrize("draw", [top_table, top_list])
def test_without_pairs_it_says_what_to_do(draw: Callable[..., RenderableType]) -> None:
    text = " ".join(drawn(draw([], CHANGED)).split())
    assert "no pair is attached: attach one with `netvsc-bpf attach IFACE`" in text


WIDTHS = [40, 60, 79, 80, 120, 200]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("reason", Reason)
def test_nothing_is_cut_at_any_width(width: int, reason: Reason) -> None:
    pair = on_synthetic(
        reason,
        synthetic=replace(ON_VF.synthetic, name="a" * 15),
        chosen=AttachChoice("b" * 15, True, 3_600_000, guard=GuardMode.MULTICAST),
        managed=False,
        settle_ms=3_600_000,
        unused=("c" * 15 + " is not used: it belongs to bridge br0",),
        drained=Drained(CHANGED, CHANGED, "w" * 30),
        path_changes=99_999,
    )
    rates = [PairRates(pair, BUSY, BUSY, 12_345), PairRates(ON_VF, None, None, 0)]
    draw = top_table if width >= LEAST_WIDTH else top_list
    for text in (card(pair, ON_VF, width=width), drawn(draw(rates, CHANGED, "q quits"), width)):
        assert max(map(len, text.splitlines())) <= width
        assert "a" * 15 in text and "\u2026" not in text
        assert reason.value in " ".join(text.split())
    assert "12,345" in text and "99,999" in text and "99.9G" in text


@pytest.mark.parametrize("width", WIDTHS)
def test_findings_are_whole_at_any_width(width: int) -> None:
    findings = [ok("kernel", "6.12"), warning("container-networks", "a bridge", "`ip link set dev br0 down`")]
    text = drawn(findings_table(findings), width)
    assert max(map(len, text.splitlines())) <= width and "\u2026" not in text
    assert "container-networks" in text and "warning" in text


def test_what_is_wrong_has_a_colour() -> None:
    well = cards([replace(ON_VF, drops=Drops(), managed=True)], CHANGED, 80)
    assert not re.search(r"\x1b\[(?:\d;)*3[13]m", well), "neither red nor yellow"
    ill = replace(ON_VF, drops=Drops(5), managed=False)
    red, yellow = re.compile(r"\x1b\[31m[^\x1b]*5 by the VF"), re.compile(r"\x1b\[33m[^\x1b]*none runs")
    text = cards([ill], CHANGED, 80)
    assert red.search(text) and yellow.search(text)


def test_no_color_has_no_escape_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert terminal.coloured() is None, "click decides by where the output goes"
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert for_people().color_system is None
    assert terminal.coloured() is False


@pytest.mark.parametrize(
    ("given", "columns"),
    [("0", 80), ("-5", 80), ("\u00b2", 80), ("9" * 5000, 80), ("x", 80), ("1", 40), ("70", 70)],
)
def test_width_is_a_sensible_one_whatever_the_environment_says(
    given: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    near, far = pty.openpty()  # without a size
    with os.fdopen(far, "w") as stdout, os.fdopen(near):
        monkeypatch.setattr(sys, "stdout", stdout)
        monkeypatch.setenv("TERM", "xterm")
        for name in ("COLUMNS", "LINES"):
            monkeypatch.setenv(name, given)
        console = for_people()
        assert (terminal.width(), console.width) == (columns, columns)
        assert console.height >= 1


def test_card_says_whether_a_manager_runs_and_what_was_chosen() -> None:
    text = card(replace(ON_VF, managed=True, chosen=AttachChoice(settle_ms=500), settle_ms=500))
    assert re.search(r"manager +running", text) and "settle time 500 ms" in " ".join(text.split())
    assert "--settle 500, kept unless the configuration of `run` sets it" in " ".join(text.split())
    assert "manager" not in card(ON_VF)


def test_json_of_top_is_by_the_schema_and_has_no_rates_of_a_new_pair() -> None:
    pages = module_at(REPO / "scripts/json_page.py")
    found = as_json([PairRates(ON_VF, BUSY, None, 3)], CHANGED, 2.0)
    assert pages.faults(pages.schema("top"), found) == []
    (pair,) = found["pairs"]
    assert pair["tx"]["synthetic"] == {"packets": 1_234, "bits": 5.6e6} and pair["rx"] is None


def test_pipe_gets_no_escape_codes() -> None:
    assert "\x1b" not in drawn(top_table([PairRates(ON_VF, BUSY, None, 0)], CHANGED))


def test_card_says_path_reason_numbers_and_since_when() -> None:
    text = card(ON_VF, now=CHANGED + timedelta(hours=2))
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
    text = card(on_synthetic(Reason.NO_CARRIER, drops=Drops()))
    assert "Why: enP31819s1 has no carrier" in text
    assert "-> check the other end" in text


@pytest.mark.parametrize("name", ["[red]eth0", "a[/b]"])
def test_name_that_looks_like_markup_is_shown_as_it_is(name: str) -> None:
    pair = replace(ON_VF, synthetic=replace(ON_VF.synthetic, name=name))
    assert name in card(pair)
    assert name in drawn(top_table([PairRates(pair, None, None, 0)], CHANGED))
