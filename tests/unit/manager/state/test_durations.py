# SPDX-License-Identifier: GPL-2.0-only
"""How long a VF took to join, and how long a pair was on a path."""

import pytest

from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.manager.state.durations import Arrivals, Timing

SECOND = 1_000_000_000


def test_join_is_counted_from_the_first_that_was_heard_of_the_vf() -> None:
    timing = Timing()
    before = CLOCKS.boottime()
    timing.arrivals.changed(7, True)
    after = CLOCKS.boottime()
    timing.arrivals.observed([7], after + SECOND)
    timing.arrivals.changed(7, True)
    first = timing.arrivals.first_seen(7)
    assert first is not None and before <= first <= after
    timing.joined(7)
    assert timing.joined_for_s(7, first + 3 * SECOND) == 3.0
    assert timing.joined_for_s(7, first + 9 * SECOND) is None, "reported once"


def test_vf_without_a_message_counts_from_the_dump_that_showed_it() -> None:
    timing = Timing()
    timing.arrivals.observed([7], 5 * SECOND)
    timing.joined(7)
    assert timing.joined_for_s(7, 7 * SECOND) == 2.0


def test_vf_that_was_not_joined_by_us_has_no_such_time() -> None:
    timing = Timing()
    timing.arrivals.observed([7], SECOND)
    assert timing.joined_for_s(7, 2 * SECOND) is None


def test_number_that_comes_again_is_another_vf() -> None:
    arrivals = Arrivals()
    arrivals.observed([7], 1 * SECOND)
    arrivals.changed(7, False)
    arrivals.observed([7], 9 * SECOND)
    assert arrivals.first_seen(7) == 9 * SECOND


def test_vf_removed_without_a_message_is_noticed_by_a_dump() -> None:
    arrivals = Arrivals()
    arrivals.observed([7], 1 * SECOND)
    arrivals.observed([], 2 * SECOND)
    assert arrivals.first_seen(7) is None


def test_look_that_began_before_the_vf_came_does_not_forget_it() -> None:
    arrivals = Arrivals()
    begun = CLOCKS.boottime()
    arrivals.changed(7, True)
    arrivals.observed([], begun)
    assert arrivals.first_seen(7) is not None


@pytest.mark.parametrize(
    ("changes", "lasted"),
    [
        ([(1, 5 * SECOND), (1, 7 * SECOND)], [None, 2.0]),
        ([(1, 5 * SECOND), (2, 6 * SECOND), (1, 8 * SECOND)], [None, None, 3.0]),
        ([(1, 5 * SECOND), (1, 5 * SECOND)], [None, None]),
    ],
)
def test_time_on_a_path_is_that_between_two_changes(
    changes: list[tuple[int, int]], lasted: list[float | None]
) -> None:
    timing = Timing()
    assert [timing.lasted_s(pair, at) for pair, at in changes] == lasted


def test_change_from_before_our_time_counts() -> None:
    timing = Timing()
    timing.last_change(1, 4 * SECOND)
    assert timing.lasted_s(1, 6 * SECOND) == 2.0
    timing.last_change(1, 4 * SECOND)
    assert timing.lasted_s(1, 7 * SECOND) == 1.0


def test_of_changes_that_wait_to_be_read_the_first_has_no_time() -> None:
    timing = Timing()
    timing.last_change(1, 6 * SECOND)  # which is the second of them
    assert timing.lasted_s(1, 4 * SECOND) is None
    assert timing.lasted_s(1, 6 * SECOND) == 2.0


def test_pair_that_is_gone_is_forgotten() -> None:
    timing = Timing()
    timing.last_change(1, 4 * SECOND)
    timing.forget(1)
    assert timing.lasted_s(1, 6 * SECOND) is None and timing.is_later(2, 1)
