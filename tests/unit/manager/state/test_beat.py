# SPDX-License-Identifier: GPL-2.0-only
"""The watches of a manager look at the same moments, whenever they began."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.manager.state.beat import EVERY_S, Beat

MOMENTS = st.floats(0, 1e6)
PHASES = st.integers(0, 2**32).map(Beat.of_namespace)


def on_the_beat(moment: float, beat: Beat, every_s: float = EVERY_S) -> bool:
    off = (moment - beat.phase_s) % every_s
    return min(off, every_s - off) < 1e-6


@given(MOMENTS, PHASES)
def test_a_wait_ends_on_the_beat_and_is_neither_none_nor_two(now: float, beat: Beat) -> None:
    wait_s = beat.wait_s(now)
    assert 0.25 <= wait_s <= 1.25
    assert on_the_beat(now + wait_s, beat)


@given(MOMENTS, PHASES, st.sampled_from((2.0, 4.0, 5.0, 30.0)))
def test_longer_intervals_end_on_the_same_beat(now: float, beat: Beat, every_s: float) -> None:
    assert on_the_beat(now + beat.wait_s(now, every_s), beat)


def test_a_timer_that_fires_early_does_not_cause_a_second_look() -> None:
    assert Beat().wait_s(99.999_999) == pytest.approx(1.000_001)


def test_namespaces_do_not_all_look_at_once() -> None:
    phases = {Beat.of_namespace(inode).phase_s for inode in range(4026531840, 4026531840 + 64)}
    assert len(phases) == 64
    assert all(0 <= phase < EVERY_S for phase in phases)
