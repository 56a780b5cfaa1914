# SPDX-License-Identifier: GPL-2.0-only
"""Totals go on across devices that come and go."""

from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.metrics.monotonic import Monotonic


def test_s50_what_a_removed_vf_counted_is_carried_over() -> None:
    totals = Monotonic()
    seen = [totals.value("eth0", device, now) for device, now in ((5, 3), (5, 7), (None, 0), (9, 0), (9, 2))]
    assert seen == [3, 7, 7, 7, 9]


def test_a_vf_replaced_between_two_scrapes_is_another_counter() -> None:
    totals = Monotonic()
    assert [totals.value("eth0", 5, 10), totals.value("eth0", 6, 12)] == [10, 22]


def test_a_number_that_falls_goes_on_from_where_it_was() -> None:
    totals = Monotonic()
    assert [totals.value("d", None, now) for now in (5, 2, 4)] == [5, 5, 7]


@given(st.lists(st.tuples(st.sampled_from([None, 1, 2]), st.integers(0, 9))))
def test_no_total_ever_goes_down(reported: list[tuple[int | None, int]]) -> None:
    totals = Monotonic()
    seen = [totals.value("eth0", device, now) for device, now in reported]
    assert seen == sorted(seen)


def test_what_two_rounds_do_not_mention_is_forgotten() -> None:
    totals = Monotonic()
    totals.begin_round()
    totals.value("eth0", 5, 10)
    totals.begin_round()
    totals.begin_round()
    assert totals.value("eth0", 6, 1) == 1
