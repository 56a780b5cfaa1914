# SPDX-License-Identifier: GPL-2.0-only
"""docs/benchmarks.md, docs/benchmarks/ and their pictures are made of the files in bench/results."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from bench.page import benchmark_page, failover_guest, path, ratios, summary
from bench.page.contenders import contender, in_words
from bench.page.path import losses, remarks
from bench.page.result import Result, Table, read_all
from bench.page.sections import BENCH, SECTIONS, method, section
from bench.page.svg import Axis, bars, lines, shares
from bench.page.written import OURS, pictures, written
from bench.report import Claim

DOCS = BENCH.parent / "docs"
ANEW = "write it anew: make bench-docs"
MADE_UP = Result(
    file="made-up",
    benchmark="made-up",
    date="2026-11-24T21:00:00Z",
    options="",
    machine={
        "kernel": "6.18",
        "processor": "a | b",
        "cpus": 2,
        "memory_gb": 8,
        "load_before": 0.1,
        "load_after": 0.2,
    },
    tables=(Table("ms", ("", "median"), (("attach | status", "1"),)),),
    said=(),
    limits=(Claim("attach", 2.5, 1.0, "s"), Claim("kept", 0, 0, "")),
    raw={},
)
PATH = replace(
    MADE_UP,
    file="path",
    benchmark="path",
    limits=(),
    raw={
        "6.12: tx": {"bare VF": [1000.0], "netvsc-bpf": [1300.0], "bonding": [1500.0], "mirred": [1200.0]},
        "6.12: tcp": {"bare VF": [10.0], "netvsc-bpf": [10.3], "bonding": [10.3]},
    },
)


def test_the_pages_and_pictures_are_what_the_results_say() -> None:
    texts = written(read_all(BENCH / "results"))
    there = {str(one.relative_to(DOCS)) for pattern in OURS for one in DOCS.glob(pattern)}
    assert there == set(texts), ANEW
    for name, text in texts.items():
        assert (DOCS / name).read_text() == text, f"{name}: {ANEW}"


def test_the_summary_is_short_and_has_five_claims_with_a_picture_each() -> None:
    text = summary.page(read_all(BENCH / "results"))
    claims = text.partition("## Where it loses")[0].split("\n## ")[1:]
    assert len(claims) == 5
    assert all(one.count("](pictures/") == 1 and one.count("[More](benchmarks/") == 1 for one in claims)
    assert len(text.splitlines()) <= 66 + len(SECTIONS), "one line for each benchmark"


def test_no_two_rows_of_a_table_look_alike() -> None:
    for result in read_all(BENCH / "results"):
        for table in section(result.benchmark).tables(result):
            labels = [row[: table.labels] for row in table.rows]
            assert len(set(labels)) == len(labels), f"{result.file}: {table.title}"
            assert len(set(table.columns)) == len(table.columns), f"{result.file}: {table.title}"


def test_figures_that_other_pages_quote_are_the_measured_ones() -> None:
    (result,) = [one for one in read_all(BENCH / "results") if one.file == "path"]
    over = {way.name: way.over_bare() for way in path.ways(result)}
    page = (DOCS / "hyper-v.md").read_text()
    for way in ("6.12: tx, hv_netvsc, fq_codel", "6.12: tx, hv_netvsc"):
        for who in ("netvsc-bpf", "hv_netvsc"):
            assert f"{over[way][who]:.0f}" in re.findall(r"\d+", page), f"{way}: {who}"


def test_every_benchmark_with_a_result_says_its_method() -> None:
    assert [one.file for one in read_all(BENCH / "results") if len(method(one.benchmark)) < 40] == []
    assert method("join").startswith("From a VF's registration")


def test_what_is_missed_is_in_the_summary_and_on_its_page() -> None:
    named = f"[{benchmark_page.title(MADE_UP)}](benchmarks/made-up.md)"
    assert f"A limit was missed: attach: 2.5 s, at most 1. {named}" in summary.page([MADE_UP])
    text = benchmark_page.page(MADE_UP)
    assert "| attach | 2.5 s | at most 1 | **missed** |" in text
    assert "| kept | 0 | at most 0 | holds |" in text
    assert "attach \\| status" in text


def test_a_summary_with_every_limit_kept_says_so() -> None:
    assert "every limit was kept" in summary.page([replace(MADE_UP, limits=MADE_UP.limits[1:])])


def test_times_of_a_busy_machine_are_marked() -> None:
    machine = {**MADE_UP.machine, "load_before": 7.5}
    assert "busy machine" in benchmark_page.page(replace(MADE_UP, machine=machine))
    assert "busy machine" not in benchmark_page.page(MADE_UP)


def test_several_files_of_one_benchmark_have_pages_of_their_own() -> None:
    other = replace(PATH, file="path-6.1")
    assert (benchmark_page.name(other), benchmark_page.name(PATH)) == (
        "benchmarks/path-6.1.md",
        "benchmarks/path.md",
    )
    assert benchmark_page.page(other).startswith("# Instructions per packet (6.1)\n")


def test_contenders_that_do_better_are_named() -> None:
    (lost,) = losses(PATH)
    assert lost.startswith("6.12: tx: **mirred takes fewer instructions** than netvsc-bpf, 200 a packet")
    assert "against 300 (100 more, 8.3% of the whole way)" in lost
    assert lost in benchmark_page.page(PATH).partition("## Tables")[0]
    short = "Packets sent: 300 instructions a packet over the bare VF, where mirred needs 200: up to 8% more"
    assert path.short(PATH) == [f"{short} for the whole way."]
    assert (
        "netvsc-bpf 300 a packet over the bare VF; bonding 500 (netvsc-bpf is 0.60 of it)" in remarks(PATH)[0]
    )


def test_parts_of_a_way_stand_in_columns_of_their_own() -> None:
    raw = {"6.12: tx, e1000e, fq_codel": {"bare VF": [1000.0], "netvsc-bpf": [1300.0]}}
    (table,) = path.tables(replace(PATH, raw=raw))
    assert table.rows[1] == ("sent", "e1000e", "fq_codel", "netvsc-bpf", "1300.00", "300.00")


def test_contenders_have_a_level_and_a_manager() -> None:
    live = contender("ours, rung live, manager killed")
    assert (live.name, live.level, live.manager) == ("netvsc-bpf", "live", "killed")
    assert str(live) == "netvsc-bpf, level live, manager killed"
    assert str(contender("team")) == "team"
    assert in_words("ours, manager stopped, unbind: late") == "netvsc-bpf, manager stopped, unbind: late"


def failed(contender: str, lost: int, gap_ms: float) -> dict[str, object]:
    """One row as bench/guest/failover.py writes it."""
    counts = {"sent": 100, "lost": lost + 3, "before": 3, "duplicates": 0, "vf_dropped": 0}
    leaving = {**counts, "gap_ms": gap_ms, "pause_ms": 1.0, "border_ms": None}
    wanted = {"tx": 2450, "rx": 50}
    return {"contender": contender, "failure": "unbind", "wanted": wanted, "tx": [leaving] * 2, "rx": []}


def test_failover_names_contenders_that_lose_less() -> None:
    rows = [
        failed("ours, manager killed", 2, 5.0),
        failed("ours, manager running", 0, 1.0),
        failed("bonding, miimon 100", 1, 90.0),
        failed("team", 50, 2.0),
        failed("net_failover", 51, 0.0),
        failed("bare VF", 0, 0.0),
        failed("hv_netvsc", 1, 0.0),
        failed("ours on hv_netvsc, manager killed", 1, 0.0),
        {"contender": "mirred", "failure": "unbind", "tx": [], "problem": "not measured"},
    ]
    result = replace(MADE_UP, file="failover-guest", benchmark="failover-guest", raw={"rows": rows})
    assert failover_guest.losses(result) == [
        "unbind, 2500 packets/s wanted, guest to peer: **bonding, miimon 100 loses fewer packets**, 1 a "
        "failure against 2 of netvsc-bpf",
        "unbind, 2500 packets/s wanted, guest to peer: **team has shorter gaps**, 2 ms against 5 of "
        "netvsc-bpf, and loses 48 packets more a failure",
    ]
    assert set(failover_guest.pictures(result)) == {"lost-tx", "gap-tx"}
    assert failover_guest.short(result) == [
        "Failover: fewer packets are lost, of 2 cases, by bonding, miimon 100 in 1.",
        "Failover: the stream is interrupted for less time, of 2 cases, by team in 1. "
        "They lose more packets in 1 of these.",
    ]


def test_mirred_is_named_where_it_carries_more_in_most_rounds() -> None:
    rates = {"netvsc-bpf": [90.0, 80.0], "mirred": [100.0, 100.0], "bare VF": [120.0, 125.0]}
    rates["bare VF again"] = rates["bare VF"]
    noisy = rates | {"mirred": [100.0, 70.0]}
    result = replace(MADE_UP, file="small", benchmark="small", raw={"TCP_RR": rates, "UDP tx": noisy})
    (lost,) = ratios.losses(result)
    assert lost.startswith("TCP_RR: **mirred carries more**; netvsc-bpf reaches 0.850 of it")
    assert set(ratios.pictures(result)) == {"ratios"}


def test_pictures_are_whole_images(tmp_path: Path) -> None:
    curves = {"a & b": shares([3.0, 1.0, 2.0]), "c": [(0.5, 10.0), (900.0, 100.0)]}
    for picture in (
        lines("x < y", Axis("pairs", log=True), Axis("%"), curves),
        lines("one value", Axis("pairs"), Axis("%"), {"flat": [(1.0, 5.0), (2.0, 5.0)]}),
        bars("bars", "s", {"tx": {"ours": 1.5, "other": -2.0}, "rx": {"ours": 0.0}}),
        *pictures([PATH]).values(),
    ):
        assert ElementTree.fromstring(picture).tag.endswith("svg")


def test_shares_rise_to_all_of_them() -> None:
    assert shares([3.0, 1.0]) == [(1.0, 50.0), (3.0, 100.0)]
