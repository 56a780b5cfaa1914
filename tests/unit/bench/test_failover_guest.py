# SPDX-License-Identifier: GPL-2.0-only
"""What counts against failing over, and what `make bench-failover-guest` holds against its limits."""

import json
from array import array
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from bench.failover_figures import (
    CARRIER,
    Kind,
    Leaving,
    Span,
    leaving,
    overtaken,
    percentile,
    returning,
    times_less,
)
from bench.failover_guest import runs_of, together
from bench.failover_limits import judge, judge_on_hyperv
from bench.guest.link_stamps import Moment, Stamp, parse
from bench.guest.names import BONDING, CONTENDERS, HV_NETVSC, ON_HV_NETVSC, ON_HV_NETVSC_RUNNING, OURS
from bench.guest.row import Row
from bench.report import Report
from netvsc_bpf.lab.recording import Recording

MS = 1_000_000


def recording(arrivals: list[int]) -> Recording:
    """A packet each ms from 1 ms on; arrivals are in ms, 0 for never."""
    sent = array("q", [number * MS for number in range(1, len(arrivals) + 1)])
    return Recording(sent, array("q", [at * MS for at in arrivals]), bytes(at > 0 for at in arrivals))


LOST_3_TO_6 = recording([1, 2, 0, 0, 0, 0, 7, 8])
WHOLE = Span(0, 9 * MS)


@pytest.mark.parametrize(
    ("border_ms", "before", "after"),
    [(None, 0, 4), (0, 0, 4), (5, 2, 2), (8, 4, 0), (99, 4, 0)],
)
def test_what_was_sent_before_the_border_is_not_failovers_loss(
    border_ms: int | None, before: int, after: int
) -> None:
    found = leaving(LOST_3_TO_6, WHOLE, None if border_ms is None else border_ms * MS)
    assert (found.sent, found.lost, found.before, found.after) == (8, 4, before, after)
    assert (found.gap_ms, found.pause_ms) == (5.0, 1.0)


@pytest.mark.parametrize(("again_ms", "after", "later"), [(None, 4, 0), (5, 2, 2), (0, 0, 4), (99, 4, 0)])
def test_what_was_sent_by_a_carrier_that_was_none_is_not_failovers_loss(
    again_ms: int | None, after: int, later: int
) -> None:
    found = leaving(LOST_3_TO_6, WHOLE, 0, link_again_ns=None if again_ms is None else again_ms * MS)
    assert (found.lost, found.after, found.later) == (4, after, later)


def test_silence_that_lasts_to_the_end_is_a_gap_too_and_an_end_where_it_is_most() -> None:
    silent = leaving(recording([1, 2, 0, 0, 0, 0, 0, 0]), Span(0, 20 * MS), 0)
    assert silent.gap_ms == 18.0 and silent.cut_off
    nothing = leaving(recording([0, 0, 0]), Span(0, 20 * MS), 0)
    assert nothing.gap_ms == 20.0 and nothing.cut_off
    assert not leaving(LOST_3_TO_6, WHOLE, 0).cut_off, "half of it"


def test_what_is_lost_outside_of_the_failure_is_not_counted() -> None:
    assert leaving(LOST_3_TO_6, Span(5 * MS, 9 * MS), None).lost == 2
    assert returning(LOST_3_TO_6, Span(7 * MS, 9 * MS), seconds=1.0, used_again=True).lost == 0


def test_netlink_is_timed_from_the_border() -> None:
    assert leaving(LOST_3_TO_6, WHOLE, 5 * MS, notified_ns=905 * MS).told_late_ms == 900.0
    assert leaving(LOST_3_TO_6, WHOLE, 5 * MS).told_late_ms is None


def test_ingress_is_restored_with_the_arrival_after_the_last_loss() -> None:
    found = leaving(LOST_3_TO_6, WHOLE, 2 * MS, closed_ns=5 * MS)
    assert (found.closed_ms, found.restored_ms) == (3.0, 5.0)
    assert leaving(recording([1, 2, 0, 0]), WHOLE, 2 * MS).restored_ms is None, "it never is"
    assert leaving(recording([1, 2, 3, 4]), WHOLE, 2 * MS).restored_ms is None, "it was never lost"


def test_packets_are_overtaken_by_later_ones_alone() -> None:
    assert overtaken(recording([1, 2, 3]), WHOLE) == 0
    assert overtaken(recording([1, 0, 3]), WHOLE) == 0
    assert overtaken(recording([9, 8, 2, 3]), WHOLE) == 2
    assert overtaken(recording([9, 8, 2, 3]), Span(3 * MS, 9 * MS)) == 0


def test_the_percentile_is_a_value_that_was_measured() -> None:
    assert [percentile([5, 1, 3, 2, 4], share) for share in (0.0, 0.5, 0.99, 1.0)] == [1, 3, 5, 5]
    assert percentile([0] * 99 + [7], 0.99) == 0


def test_who_loses_nothing_is_taken_to_lose_one_packet_in_all() -> None:
    lost = [replace(NOTHING, lost=count) for count in (100, 200)]
    assert times_less([NOTHING] * 30, lost) == 150 * 30
    assert times_less([replace(NOTHING, lost=2)] * 30, lost) == 75


def test_stamps_are_read_as_the_kernel_writes_them() -> None:
    trace = """# tracer: nop
           <...>-512     [001] d..4.    41.000250: carrier_off: (netif_carrier_off+0x4/0x40) ifindex=7
 kworker/1:2-99      [001] .....    41.900000: notified: (netdev_state_change+0x4/0xa0) ifindex=7
"""
    assert parse(trace) == [
        Stamp(Moment.CARRIER_OFF, 7, 41_000_250_000),
        Stamp(Moment.NOTIFIED, 7, 41_900_000_000),
    ]


NOTHING = Leaving(sent=900, lost=0, before=0, gap_ms=1, pause_ms=1, duplicates=0, vf_dropped=0, border_ms=0.5)
AGAIN = returning(recording([1, 2]), WHOLE, seconds=0.5, used_again=True)
TCP = {"cycles": 100, "intact": True, "TCPTimeouts": 0}


def rows(contender: str, lost: int, times: int = 30) -> list[Row]:
    return [
        Row(
            contender,
            kind,
            {"tx": 2500, "rx": 2500},
            tx=[replace(NOTHING, lost=lost)] * times,
            rx=[NOTHING] * times,
            tx_returns=[AGAIN] * times,
            rx_returns=[AGAIN] * times,
            path_changes=[2] * times,
            rates={"tx": 2400, "rx": 2400},
        )
        for kind in Kind
    ]


def missed(tmp_path: Path, measured: list[Row], tcp: dict[str, object]) -> set[str]:
    """What of the limits is not kept, by the last words."""
    report = Report("failover-guest", tmp_path / "out.json")
    judge(report, measured, tcp, 30, 100)
    status = report.finish()
    written = json.loads((tmp_path / "out.json").read_text())
    wrong = {one["what"].split(": ")[-1] for one in written["limits"] if not one["holds"]}
    assert status == bool(wrong)
    return wrong


def test_every_limit_is_kept_where_nothing_is_lost(tmp_path: Path) -> None:
    assert missed(tmp_path, rows(OURS, 0) + rows(BONDING, 200, 10), TCP) == set()


def test_a_packet_lost_by_a_planned_removal_is_too_many(tmp_path: Path) -> None:
    assert missed(tmp_path, rows(OURS, 1) + rows(BONDING, 200, 10), TCP) == {
        "tx lost beyond what the VF had queued"
    }


def test_bonding_must_lose_fifty_times_as_many(tmp_path: Path) -> None:
    assert "times less than bonding loses" in missed(tmp_path, rows(OURS, 1) + rows(BONDING, 49, 10), TCP)


def test_what_was_not_measured_is_missed(tmp_path: Path) -> None:
    assert missed(tmp_path, [], {}) == {
        "kinds of failure that were measured",
        "cycles of down and up",
        "every byte arrived",
    }
    assert missed(tmp_path, rows(OURS, 0, 29), TCP) == {"times"}


def test_a_flap_that_was_left_twice_or_a_timeout_is_missed(tmp_path: Path) -> None:
    measured = rows(OURS, 0)
    measured[0].path_changes[3] = 4
    assert missed(tmp_path, measured, TCP | {"TCPTimeouts": 1}) == {
        "used again each time",
        "retransmission timeouts",
    }


def missed_on_hyperv(tmp_path: Path, measured: list[Row]) -> set[str]:
    """The limits on hv_netvsc that are missed, by their last words."""
    report = Report("failover-guest", tmp_path / "out.json")
    judge_on_hyperv(report, measured, 30)
    report.finish()
    written = json.loads((tmp_path / "out.json").read_text())
    return {one["what"].split(": ")[-1] for one in written["limits"] if not one["holds"]}


def test_on_hv_netvsc_a_manager_brings_ingress_back_within_a_second(tmp_path: Path) -> None:
    lost = replace(NOTHING, lost=800, gap_ms=1500.0)
    for contender, wrong in (
        (HV_NETVSC, set()),
        (ON_HV_NETVSC, set()),
        (ON_HV_NETVSC_RUNNING, {"rx is back at the latest after"}),
    ):
        measured = [row for row in rows(contender, 0) if row.failure in CARRIER]
        for row in measured:
            row.rx = [lost] * len(row.rx)
        assert missed_on_hyperv(tmp_path, measured) == wrong


def test_on_hv_netvsc_no_packet_may_be_lost_that_we_can_save(tmp_path: Path) -> None:
    assert missed_on_hyperv(tmp_path, rows(HV_NETVSC, 1)) == set(), "what the driver does alone is reported"
    assert missed_on_hyperv(tmp_path, rows(ON_HV_NETVSC, 0)) == set()
    assert missed_on_hyperv(tmp_path, rows(ON_HV_NETVSC, 1, 29)) == {"tx lost after the border", "times"}


def test_a_row_is_read_as_it_was_written() -> None:
    (row, *_) = rows(OURS, 3)
    assert Row.read(json.loads(json.dumps(asdict(row)))) == row


def test_contenders_have_each_a_name_of_their_own() -> None:
    assert len(set(CONTENDERS)) == len(CONTENDERS) == 14


def written(contender: str, failure: str, *, tx: list[Leaving], wanted: int = 100, problem: str = "") -> Row:
    return Row(contender, failure, {"tx": wanted, "rx": wanted}, tx=tx, problem=problem)


def part(*rows: Row, tcp: dict[str, int] | None = None) -> dict[str, object]:
    return {"rows": [asdict(row) for row in rows], "tcp": tcp or {}, "kernel": "6.12.1"}


def test_what_was_measured_again_replaces_what_was_found_before() -> None:
    one = leaving(LOST_3_TO_6, WHOLE, None)
    first = part(
        written(BONDING, Kind.DOWN, tx=[one]),
        written(BONDING, Kind.WIRE, tx=[one]),
        written(BONDING, "", tx=[], problem="the guest did not get to its end"),
        tcp={"cycles": 1},
    )
    second = part(
        written(BONDING, Kind.DOWN, tx=[one, one]), written(BONDING, Kind.DOWN, tx=[one], wanted=200)
    )
    third = part(written(OURS, Kind.DOWN, tx=[one]))
    found = together([first, second, third])
    assert [(row["contender"], row["failure"], len(row["tx"])) for row in found["rows"]] == [
        (OURS, Kind.DOWN, 1),
        (BONDING, Kind.WIRE, 1),
        (BONDING, Kind.DOWN, 2),
        (BONDING, Kind.DOWN, 1),
    ]
    assert found["tcp"] == {"cycles": 1}


def test_runs_that_were_put_together_are_known_singly() -> None:
    one, two, three = ({"date": f"2026-11-2{day}T10:00:00Z", "options": f"--only {day}"} for day in range(3))
    both = {"date": two["date"], "options": "--again of 2 runs", "raw": {"runs": [one, two]}}
    assert runs_of([both, {**three, "raw": {}}]) == [one, two, three]


def test_contender_that_does_not_return_is_distinguished_from_a_vf_without_link() -> None:
    (row, *_) = rows(OURS, 0, 3)
    row.complain()
    assert row.problem == ""
    row.tx_returns = [replace(AGAIN, used_again=False), AGAIN, replace(AGAIN, used_again=False)]
    row.linkless = 1
    row.complain()
    assert row.problem.startswith("it did not return to the VF 2 times of 3")
    assert "1 times the VF's own driver had no link" in row.problem
