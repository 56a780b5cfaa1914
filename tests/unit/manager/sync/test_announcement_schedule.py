# SPDX-License-Identifier: GPL-2.0-only
"""When to announce: often enough to be heard, seldom enough not to flood."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.manager.state.announce_policy import AnnouncePolicy
from netvsc_bpf.manager.sync.announcement_schedule import Schedule
from netvsc_bpf.manager.sync.announcer import AnnouncedState, owed

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


def test_rounds_that_were_slept_through_are_not_caught_up() -> None:
    schedule = Schedule(POLICY)
    schedule.changed(PAIR, 0.0)
    assert schedule.take(50.0) == [PAIR]
    assert schedule.next_at() is None


def test_pairs_that_are_gone_are_forgotten() -> None:
    schedule = Schedule(POLICY)
    schedule.changed(PAIR, 0.0)
    schedule.keep(set())
    assert (schedule.take(9.0), schedule.next_at()) == ([], None)


def test_off_means_off() -> None:
    schedule = Schedule(AnnouncePolicy(enabled=False))
    schedule.changed(PAIR, 0.0)
    assert schedule.take(9.0) == []


def test_an_announcement_is_due_for_each_change_and_for_an_unnoticed_failure() -> None:
    assert owed({}, {2: AnnouncedState(0)}) == set(), "there never was a change"
    assert owed({}, {2: AnnouncedState(7)}) == {2}, "a manager that starts announces the last one"
    assert owed({2: AnnouncedState(7)}, {2: AnnouncedState(7)}) == set()
    assert owed({2: AnnouncedState(7)}, {2: AnnouncedState(8)}) == {2}
    assert owed({2: AnnouncedState(7)}, {2: AnnouncedState(7, dead=True)}) == {2}
    assert owed({2: AnnouncedState(7, dead=True)}, {2: AnnouncedState(7, dead=True)}) == set()
    assert owed({2: AnnouncedState(7, dead=True)}, {2: AnnouncedState(7)}) == set()
    assert owed({2: AnnouncedState(7, dead=True)}, {2: AnnouncedState(9)}) == {2}
