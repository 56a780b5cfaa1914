# SPDX-License-Identifier: GPL-2.0-only
"""What a migration is charged with."""

import pytest

from tests.migration.losses import Gap, Phase, Times, from_guest, lost, to_guest

S = 10**9
ONE = Times(unplug=10 * S, unplugged=11 * S, stop=20 * S, resume=21 * S, plug=22 * S, used=25 * S)
SENT = [number * S for number in range(10)]
"""A packet a second."""


def test_packets_between_the_ranges_that_arrived_are_lost() -> None:
    assert to_guest(SENT, [[0, 2], [5, 9]]) == [Gap(3, 2, 2 * S, 5 * S)]


def test_packets_after_the_last_one_that_arrived_are_lost() -> None:
    assert to_guest(SENT, [[0, 7]]) == [Gap(8, 2, 7 * S, 9 * S)]


def test_packets_before_the_guest_listened_are_not() -> None:
    assert to_guest(SENT, [[3, 9]]) == []


def test_if_nothing_arrived_all_is_lost() -> None:
    assert sum(gap.count for gap in to_guest(SENT, [])) == 10
    assert sum(gap.count for gap in from_guest(10, [])) == 10
    assert to_guest([], []) == from_guest(0, []) == []


def test_packets_of_the_guest_are_missed_between_those_that_arrived_and_after_them() -> None:
    arrived = [(0, S), (1, 2 * S), (4, 3 * S), (3, 4 * S)]
    assert from_guest(6, arrived) == [Gap(2, 1, 2 * S, 4 * S), Gap(5, 1, 3 * S, 3 * S)]


@pytest.mark.parametrize(
    ("begin", "end", "phase"),
    [
        (9.0, 9.5, Phase.OTHER),
        (9.9, 10.1, Phase.UNPLUG),
        (11.5, 11.6, Phase.UNPLUG),
        (12.5, 12.6, Phase.OTHER),
        (19.9, 20.1, Phase.PAUSE),
        (20.9, 21.1, Phase.PAUSE),
        (21.1, 21.2, Phase.OTHER),
        (24.9, 25.1, Phase.OTHER),
    ],
)
def test_a_gap_belongs_to_what_happened_in_it(begin: float, end: float, phase: Phase) -> None:
    gap = Gap(0, 3, round(begin * S), round(end * S))
    assert lost([gap], [ONE], lambda _: False) == dict.fromkeys(Phase, 0) | {phase: 3}


def test_what_the_driver_took_at_the_unplug_is_counted_by_itself() -> None:
    gaps = [Gap(10, 4, round(10.1 * S), round(10.2 * S)), Gap(20, 2, 30 * S, 31 * S)]
    found = lost(gaps, [ONE], lambda number: number < 13)
    assert found == dict.fromkeys(Phase, 0) | {Phase.DRIVER: 3, Phase.UNPLUG: 1, Phase.OTHER: 2}


def test_times_are_shown_in_milliseconds() -> None:
    assert (ONE.pause_ms, ONE.used_after_ms) == (1000, 3000)
