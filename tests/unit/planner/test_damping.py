# SPDX-License-Identifier: GPL-2.0-only
"""Damper by itself: decay, ceiling, hysteresis, and what an ordinary boot may cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.model.setting import Contradiction
from netvsc_bpf.planner.damping import Damper, DampingPolicy

POLICIES = st.builds(
    lambda penalty, half_life, reuse, gap, room: DampingPolicy(
        penalty, half_life, reuse * gap, reuse, reuse * gap * room
    ),
    st.floats(1, 5000),
    st.floats(1, 7200),
    st.floats(100, 5000),
    st.floats(1.05, 5),
    st.floats(1.01, 5),
)
GAPS = st.lists(st.floats(0, 5000), max_size=30)


def after(policy: DampingPolicy, gaps: list[float]) -> Damper:
    """Fail again after each gap in seconds."""
    damper, now = Damper(policy), 0.0
    for gap in gaps:
        now += gap
        damper = damper.failed(now)
    return damper


@given(POLICIES, GAPS, st.floats(0, 10_000), st.floats(0, 10_000))
def test_it_only_decays_and_two_looks_are_as_good_as_one(
    policy: DampingPolicy, gaps: list[float], first: float, second: float
) -> None:
    damper = after(policy, gaps)
    once, twice = (
        damper.decayed(damper.at + first + second),
        damper.decayed(damper.at + first).decayed(damper.at + first + second),
    )
    assert once.figure <= damper.figure
    assert twice.figure == pytest.approx(once.figure, rel=1e-6, abs=1e-6)


@given(POLICIES, GAPS)
def test_half_is_left_after_each_half_life(policy: DampingPolicy, gaps: list[float]) -> None:
    damper = after(policy, gaps)
    later = damper.decayed(damper.at + policy.half_life_s)
    assert later.figure == pytest.approx(damper.figure / 2, rel=1e-6)


@given(POLICIES, GAPS)
def test_the_ceiling_bounds_how_long_a_vf_is_kept_out(policy: DampingPolicy, gaps: list[float]) -> None:
    damper = after(policy, gaps)
    assert damper.figure <= policy.ceiling
    worst = DampingPolicy(policy.penalty, policy.half_life_s, policy.suppress, policy.reuse, policy.ceiling)
    longest = Damper(worst, policy.ceiling, 0.0, True).reuse_in_s(0.0)
    wait = damper.reuse_in_s(damper.at)
    assert wait is None or (longest is not None and wait <= longest + 1e-6)


@given(POLICIES, GAPS)
def test_suppressed_above_the_one_threshold_until_below_the_other(
    policy: DampingPolicy, gaps: list[float]
) -> None:
    damper = after(policy, gaps)
    if damper.figure > policy.suppress:
        assert damper.suppressed
    wait = damper.reuse_in_s(damper.at)
    assert (wait is not None) == damper.decayed(damper.at).suppressed
    if wait is not None:
        assert damper.decayed(damper.at + wait * 0.999 - 1e-3).suppressed
        assert not damper.decayed(damper.at + wait * 1.001 + 1e-3).suppressed


@given(POLICIES, st.floats(0, 1000), st.floats(0, 1000))
def test_failure_reported_late_costs_no_more_than_in_time(
    policy: DampingPolicy, first: float, gap: float
) -> None:
    in_time = Damper(policy).failed(first).failed(first + gap)
    late = Damper(policy).failed(first).decayed(first + 2 * gap).failed(first + gap)
    assert late.figure == pytest.approx(in_time.decayed(first + 2 * gap).figure, rel=1e-6) or (
        in_time.figure == policy.ceiling
    )


@given(st.lists(st.floats(0, 600), max_size=3))
def test_up_to_three_flaps_at_boot_are_never_damped(gaps: list[float]) -> None:
    assert not after(DampingPolicy(), gaps).suppressed


@given(st.lists(st.floats(600, 5000), max_size=100))
def test_rare_flaps_are_never_damped(gaps: list[float]) -> None:
    assert not after(DampingPolicy(), [gap + 900 for gap in gaps]).suppressed


def test_a_clock_that_stands_still_or_goes_back_does_no_harm() -> None:
    damper = Damper(DampingPolicy()).failed(100.0)
    assert damper.decayed(50.0) == damper
    assert damper.failed(50.0).at == 100.0


def test_other_thresholds_are_judged_at_once() -> None:
    suppressed = after(DampingPolicy(), [1, 1, 1, 1, 1])
    assert suppressed.suppressed
    assert not suppressed.with_policy(DampingPolicy(suppress=6000, reuse=5500, ceiling=9000)).suppressed
    assert suppressed.with_policy(DampingPolicy(suppress=6000, reuse=3000, ceiling=9000)).suppressed
    calm = after(DampingPolicy(), [1, 1])
    assert not calm.suppressed
    assert calm.with_policy(DampingPolicy(suppress=1500, reuse=1000)).suppressed
    assert suppressed.with_policy(DampingPolicy(suppress=900, reuse=500, ceiling=1000)).figure == 1000


@pytest.mark.parametrize(
    "thresholds", [{"reuse": 3500.0}, {"reuse": 4000.0}, {"suppress": 2750.0}, {"ceiling": 3500.0}]
)
def test_thresholds_that_exclude_each_other_are_refused(thresholds: dict[str, float]) -> None:
    with pytest.raises(Contradiction):
        DampingPolicy(**thresholds)
