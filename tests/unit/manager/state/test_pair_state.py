# SPDX-License-Identifier: GPL-2.0-only
"""Patience: after failures, and with an opponent."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.manager.state.pair_state import PairMemory
from netvsc_bpf.model.drain import Drain
from netvsc_bpf.model.path import Reason
from netvsc_bpf.planner.actions import Attach, Permit, Withdraw
from netvsc_bpf.planner.damping import Damper, DampingPolicy
from netvsc_bpf.planner.removals import Charges
from netvsc_bpf.planner.stall import StallPolicy
from tests.unit.planner.world import World

STEPS = [Withdraw(2, Reason.NO_VF), Attach(2), Permit(2, 100)]


def memory() -> PairMemory:
    return PairMemory(Charges(Damper(DampingPolicy())))


def test_after_a_failure_only_withdrawing_is_allowed_for_a_while() -> None:
    pair = memory()
    assert pair.allowed(list(STEPS), 10.0) == STEPS
    pair.failed(10.0)
    assert pair.allowed(list(STEPS), 10.05) == STEPS[:1]
    assert pair.allowed(list(STEPS), 10.11) == STEPS


def test_each_failure_in_a_row_waits_longer_until_all_is_well() -> None:
    pair, now, waits = memory(), 0.0, []
    for _ in range(7):
        pair.failed(now)
        wait = pair.wait_s(now)
        assert wait is not None
        waits.append(round(wait, 3))
        now += wait
    assert waits == [0.1, 0.5, 2.0, 10.0, 30.0, 30.0, 30.0]
    pair.settled()
    assert pair.wait_s(now) is None
    pair.failed(now)
    assert round(pair.wait_s(now) or 0, 3) == 0.1


def test_failure_that_is_over_causes_no_retry() -> None:
    pair = memory()
    pair.failed(0.0)
    assert pair.wait_s(5.0) is None, "its time has come, and a wake-up with it"


def test_vf_is_held_back_until_its_penalty_has_halved_far_enough() -> None:
    policy = DampingPolicy(half_life_s=60.0, penalty=1000, suppress=1500, reuse=1000)
    pair = PairMemory(Charges(Damper(policy)))
    assert pair.held_back_for_s(0.0) is None
    for _ in range(2):
        pair.charges = pair.charges.failed(7, 0.0)
    assert round(pair.held_back_for_s(0.0) or 0, 3) == 60.0
    assert round(pair.held_back_for_s(45.0) or 0, 3) == 15.0
    assert pair.held_back_for_s(61.0) is None


@given(st.integers(1, 6), st.floats(0.001, 0.1))
def test_s20_opponent_gets_no_more_than_the_ration(steps: int, gap: float) -> None:
    pair, now, taken = memory(), 0.0, 0
    while now < 60:
        if pair.allowed(list(STEPS), now) == STEPS:
            pair.took(steps, now)
            taken += steps
        now += gap
    assert taken <= 64 + 2 * 60 + 6


def test_900_flaps_an_hour_are_within_the_ration() -> None:
    pair = memory()
    assert all(pair.took(5, number * 4.0) for number in range(900))


def test_end_of_a_hold_wakes_the_manager() -> None:
    pair = memory()
    pair.hold = pair.hold.stalled(7, 100.0, StallPolicy(hold_s=30))
    assert pair.wait_s(110.0) == 20.0
    assert pair.wait_s(130.0) is None


def test_s98_operator_who_drains_and_undrains_all_day_is_no_opponent() -> None:
    pair, seen = memory(), World().observe()
    for number in range(1000):
        pair.observed(replace(seen, drained=Drain(1) if number % 2 else None), number * 0.1)
        assert pair.took(3, number * 0.1)


def test_s98_what_failed_before_keeps_no_operator_waiting() -> None:
    pair, seen = memory(), World().observe()
    pair.observed(seen, 0.0)
    for _ in range(5):
        pair.failed(0.0)
    assert pair.allowed(list(STEPS), 1.0) == STEPS[:1]
    pair.observed(replace(seen, drained=Drain(1)), 1.0)
    assert pair.allowed(list(STEPS), 1.0) == STEPS
    pair.failed(1.0)
    pair.observed(replace(seen, drained=Drain(1)), 1.05)
    assert pair.allowed(list(STEPS), 1.05) == STEPS[:1], "the same word again is none"
