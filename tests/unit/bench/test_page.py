# SPDX-License-Identifier: GPL-2.0-only
"""docs/benchmarks.md and its pictures are made of the files in bench/results."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from bench.page import failover_guest, ratios
from bench.page.markdown import page, pictures
from bench.page.path import losses, remarks
from bench.page.result import Result, Table, read_all
from bench.page.sections import BENCH, method
from bench.page.svg import Axis, bars, lines, shares
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


def test_the_page_is_what_the_results_say() -> None:
    assert (DOCS / "benchmarks.md").read_text() == page(read_all(BENCH / "results")), ANEW


def test_the_pictures_are_what_the_results_say() -> None:
    drawn = pictures(read_all(BENCH / "results"))
    there = {f"pictures/{path.name}": path.read_text() for path in (DOCS / "pictures").glob("bench-*.svg")}
    assert there == drawn, ANEW


def test_every_benchmark_with_a_result_says_its_method() -> None:
    assert [one.file for one in read_all(BENCH / "results") if len(method(one.benchmark)) < 40] == []
    assert method("join").startswith("From a VF's registration")


def test_what_is_missed_is_said_first_and_in_its_section() -> None:
    text = page([MADE_UP])
    short, _, rest = text.partition("## made-up")
    assert "Limits that were missed:\n\n- made-up: attach: 2.5 s, at most 1" in short
    assert "| attach | 2.5 s | at most 1 | **missed** |" in rest
    assert "| kept | 0 | at most 0 | holds |" in rest
    assert "attach \\| status" in rest


def test_a_page_with_every_limit_kept_says_so() -> None:
    assert "every limit was kept" in page([replace(MADE_UP, limits=MADE_UP.limits[1:])])


def test_times_of_a_busy_machine_are_marked() -> None:
    machine = {**MADE_UP.machine, "load_before": 7.5}
    assert "busy machine" in page([replace(MADE_UP, machine=machine)])
    assert "busy machine" not in page([MADE_UP])


def test_several_files_of_one_benchmark_have_sections_of_their_own() -> None:
    text = page([PATH, replace(PATH, file="path-6.1")])
    assert "## Instructions per packet\n" in text and "## Instructions per packet (6.1)\n" in text
    assert "(#instructions-per-packet-61)" in text


def test_whoever_does_better_than_ours_is_named_in_plain_words() -> None:
    (lost,) = losses(PATH)
    assert lost.startswith("6.12: tx: **mirred takes fewer instructions** than netvsc-bpf, 200 a packet")
    assert "against 300 (100 more, 8.3% of the whole way)" in lost
    assert lost in page([PATH]).partition("## Instructions per packet")[0]
    assert "ours 300 a packet over the bare VF; bonding 500 (ours is 0.60 of it)" in remarks(PATH)[0]


def failed(contender: str, lost: int, gap_ms: float) -> dict[str, object]:
    """One row as bench/guest/failover.py writes it."""
    counts = {"sent": 100, "lost": lost + 3, "before": 3, "duplicates": 0, "vf_dropped": 0}
    leaving = {**counts, "gap_ms": gap_ms, "pause_ms": 1.0, "border_ms": None}
    wanted = {"tx": 2450, "rx": 50}
    return {"contender": contender, "failure": "unbind", "wanted": wanted, "tx": [leaving] * 2, "rx": []}


def test_failover_names_who_loses_less_than_ours_with_nobody_alive() -> None:
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
        "failure against 2 of ours",
        "unbind, 2500 packets/s wanted, guest to peer: **team has shorter gaps**, 2 ms against 5 of ours, "
        "and loses 48 packets more a failure",
    ]
    assert set(failover_guest.pictures(result)) == {"lost-tx", "gap-tx"}


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
