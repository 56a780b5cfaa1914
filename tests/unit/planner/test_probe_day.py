# SPDX-License-Identifier: GPL-2.0-only
"""A day with neighbours that lose, delay and stop answering, and with VFs that are black holes."""

import pytest

from netvsc_bpf.model.probe import ProbeState
from tests.unit.planner.probe_day import (
    DAY_S,
    GATEWAY,
    OTHER,
    Day,
    Neighbour,
    always,
    between,
    never,
    outside,
)

HOUR = 3600


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "known"])
@pytest.mark.parametrize("after_s", [0.001, 0.8, 1.5, 2.8])
def test_s97_neighbour_that_loses_and_delays_leads_to_no_leaving(after_s: float, known: bool) -> None:
    day = Day([Neighbour(answers_after_s=after_s, loss=0.01)], known=known).run(HOUR if known else DAY_S // 2)
    assert (day.left, day.penalties) == ([], [])
    assert day.probe.state is ProbeState.REACHABLE


def test_s97_neighbour_that_is_too_slow_is_left_for_once_and_costs_no_penalty() -> None:
    """As the kernel knows it, its silence counts at first."""
    day = Day([Neighbour(answers_after_s=5.5)], known=True).run(2 * HOUR)
    assert (day.left, day.penalties) == ([2.85], [])
    day = Day([Neighbour(answers_after_s=5.5)]).run(2 * HOUR)
    assert (day.left, day.probe.state) == ([], ProbeState.UNPROVEN)


@pytest.mark.parametrize("others", [0, 1])
def test_s97_neighbour_that_dies_on_both_paths_moves_traffic_once_and_costs_nothing(others: int) -> None:
    neighbours = [Neighbour(alive=outside(1000, 5000))]
    neighbours += [Neighbour(OTHER, alive=outside(1000, 5000))] * others
    day = Day(neighbours).run(2 * HOUR)
    assert (day.left, day.penalties) == ([1002.85], [])
    assert day.probe.state is ProbeState.REACHABLE, "it answers again"


def test_s97_neighbour_that_comes_and_goes_all_day_costs_one_move_each_time() -> None:
    day = Day([Neighbour(alive=lambda now: now % 600 < 300)]).run()
    assert len(day.left) <= DAY_S / 600 and not day.penalties


def test_s97_one_of_two_neighbours_is_enough() -> None:
    day = Day([Neighbour(), Neighbour(OTHER, alive=outside(500, 900))]).run(2000)
    assert day.left == []


@pytest.mark.parametrize("neighbours", [[], [Neighbour(alive=never)]], ids=["none", "never answers"])
def test_s97_without_proof_nothing_is_left_and_it_is_said(neighbours: list[Neighbour]) -> None:
    day = Day(neighbours, dead=always).run(HOUR)
    assert (day.left, day.on_vf) == ([], True)
    assert day.probe.state is (ProbeState.UNPROVEN if neighbours else ProbeState.NO_TARGETS)
    assert len(day.questions) <= HOUR / 10 + 2, "it is asked seldom"


def test_s96_black_hole_at_any_phase_is_left_within_missed_and_one_intervals() -> None:
    for tenths in range(10):
        begin = 100 + tenths / 10
        day = Day([Neighbour()], dead=between(begin, DAY_S)).run(110)
        assert 0 < day.left[0] - begin < 3.95, begin


def test_s97_slow_neighbour_whose_last_answer_is_cut_off_costs_one_move() -> None:
    day = Day([Neighbour(answers_after_s=2.9)], known=True).run(6 * HOUR)
    assert (len(day.left), day.probe.slow) == (1, 2)


def test_s96_black_hole_is_left_within_the_interval_times_missed() -> None:
    day = Day([Neighbour()], dead=between(100, DAY_S)).run(104)
    assert day.left == [102.85], "the first question without an answer was at 100"


def test_a_neighbour_that_the_kernel_knows_is_not_reachable_before_it_answers() -> None:
    day = Day([Neighbour()], dead=always, known=True).run(2)
    assert day.probe.state is ProbeState.SILENT
    assert Day([Neighbour()], known=True).run(2).probe.state is ProbeState.REACHABLE


def test_s96_vf_that_was_a_black_hole_from_the_start_is_left_if_the_kernel_knows_the_neighbour() -> None:
    assert Day([Neighbour()], dead=always, known=True).run(30).left == [2.85]


def test_s96_vf_that_returns_is_left_after_one_interval_without_an_answer() -> None:
    day = Day([Neighbour()], dead=between(100, DAY_S)).run(190)
    first, second = day.left
    returned = first + 30
    assert second == returned + 1
    assert len(day.penalties) == 2


def test_s96_vf_that_stays_a_black_hole_costs_seconds_an_hour() -> None:
    day = Day([Neighbour()], dead=between(100, DAY_S)).run()
    by_hour = [sum(h * HOUR <= at < (h + 1) * HOUR for at in day.left) for h in range(24)]
    assert by_hour[0] <= 8 and max(by_hour[1:]) <= 5, by_hour
    assert len(day.penalties) == len(day.left)


def test_s96_vf_that_works_again_is_used_again() -> None:
    day = Day([Neighbour()], dead=between(100, 125)).run(1000)
    assert (day.left, day.on_vf, day.probe.on_trial) == ([102.85], True, False)


def test_s96_what_comes_in_replaces_questions_only_while_nothing_is_sent() -> None:
    quiet = Day([Neighbour()], sends=never, receives=always).run(1000)
    assert len(quiet.questions) <= 2
    busy = Day([Neighbour()], receives=always, dead=between(100, DAY_S)).run(200)
    assert busy.left[0] == 102.85, "it transmits into nothing, and broadcasts keep coming"
    begins = Day([Neighbour()], sends=between(500, DAY_S), receives=always, dead=between(100, DAY_S))
    assert begins.run(510).left == [502.85], "it begins to send at 500"


@pytest.mark.parametrize("seed", range(3))
def test_s97_paths_that_lose_much_are_damped_not_flapped_on(seed: int) -> None:
    day = Day([Neighbour(loss=0.3)], seed=seed).run(6 * HOUR)
    assert 0 < len(day.left) <= 6 * 5 + 3


def test_a_neighbour_that_is_removed_is_not_missed() -> None:
    day = Day([Neighbour()]).run(100)
    day.probe, day.neighbours = day.probe.with_targets([], []), []
    assert (day.run(200).left, day.probe.state) == ([], ProbeState.NO_TARGETS)
    assert GATEWAY not in day.probe.proven
