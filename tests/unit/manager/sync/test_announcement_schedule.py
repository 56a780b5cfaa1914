# SPDX-License-Identifier: GPL-2.0-only
"""When to announce: often enough to be heard, seldom enough not to flood."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.manager.state.announce_policy import AnnouncePolicy
from netvsc_bpf.manager.sync.announcement_schedule import Schedule

PAIR = 2
POLICY = AnnouncePolicy()


def play(changes: list[float]) -> list[float]:
    """When rounds were taken, by somebody who is always on time."""
    schedule, rounds, waiting = Schedule(POLICY), [], sorted(changes)
    while waiting or schedule.next_at() is not None:
        due = schedule.next_at()
        if waiting and (due is None or waiting[0] <= due):
            schedule.changed(PAIR, waiting.pop(0))
        elif due is not None and schedule.take(due):
            rounds.append(due)
    return rounds


@given(st.lists(st.floats(0, 10), min_size=1, max_size=80))
def test_the_last_change_is_announced_and_repeated_without_flooding(changes: list[float]) -> None:
    rounds, last = play(changes), max(changes)
    assert all(later - earlier >= POLICY.gap_s - 1e-9 for earlier, later in pairwise(rounds))
    reported = [moment for moment in rounds if moment >= last]
    assert 2 <= len(reported) <= len(POLICY.after_s)
    assert reported[0] <= last + POLICY.gap_s + 1e-9
    assert rounds[0] == min(changes), "the first one waits for nothing"


def test_a_single_change_is_announced_at_once_and_repeated() -> None:
    assert play([100.0]) == [100.0 + after for after in POLICY.after_s]


def test_rounds_that_were_slept_through_follow_the_gap_apart() -> None:
    schedule, taken = Schedule(POLICY), []
    schedule.changed(PAIR, 0.0)
    now: float | None = 50.0
    while now is not None:
        assert schedule.take(now) == [PAIR]
        assert schedule.take(now) == [], "one at a time"
        taken.append(now)
        now = schedule.next_at()
    assert taken == pytest.approx([50.0 + number * POLICY.gap_s for number in range(len(POLICY.after_s))])


def test_pairs_that_are_gone_are_forgotten() -> None:
    schedule = Schedule(POLICY)
    schedule.changed(PAIR, 0.0)
    schedule.keep(set())
    assert (schedule.take(9.0), schedule.next_at()) == ([], None)


def test_off_means_off() -> None:
    schedule = Schedule(AnnouncePolicy(enabled=False))
    schedule.changed(PAIR, 0.0)
    assert schedule.take(9.0) == []


def test_round_at_once_is_the_first_one_and_keeps_the_gap() -> None:
    schedule = Schedule(POLICY)
    assert schedule.changed_and_taken(PAIR, 100.0)
    assert schedule.next_at() == 100.25
    assert not schedule.changed_and_taken(PAIR, 100.0 + POLICY.gap_s / 2)
    assert (schedule.next_at(), schedule.take(100.25)) == (100.25, [PAIR])
    assert schedule.changed_and_taken(PAIR, 101.0)
    assert schedule.next_at() == 101.25


@pytest.mark.parametrize(
    "policy", [AnnouncePolicy(enabled=False), AnnouncePolicy(after_s=(0.5,)), AnnouncePolicy(after_s=())]
)
def test_nothing_is_sent_at_once_if_the_policy_wants_nothing_at_once(policy: AnnouncePolicy) -> None:
    schedule = Schedule(policy)
    assert not schedule.changed_and_taken(PAIR, 100.0)
    assert schedule.next_at() is None
