# SPDX-License-Identifier: GPL-2.0-only
"""When an enslaved VF without carrier is taken down, and when it is tried again."""

import pytest

from netvsc_bpf.model.path import Reason
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.lost_link import (
    FIRST_S,
    GRACE_S,
    LONGEST_S,
    LONGEST_TRIAL_S,
    TRIAL_S,
    LostLink,
)
from netvsc_bpf.planner.plan import Wanted
from tests.unit.planner.test_plan import rest
from tests.unit.planner.world import SYNTHETIC, World


@pytest.fixture
def world() -> World:
    made = World()
    made.change_vf(made.plug(), master=SYNTHETIC)
    rest(made)
    assert made.permitted
    return made


def carrier(world: World, on: bool) -> None:
    assert world.devmap is not None
    world.change_vf(world.devmap, carrier=on)


def with_link(world: World) -> LostLink:
    """The state of a VF that had carrier a moment ago."""
    state = LostLink().observed(world.observe(), 9.0)
    carrier(world, False)
    return state


def test_s102_link_that_stays_lost_takes_the_vf_down_after_a_grace(world: World) -> None:
    vf = world.devmap
    state = with_link(world).observed(world.observe(), 10.0)
    assert not state.is_active(vf, 10.0)
    assert state.wait_s(10.0) == pytest.approx(GRACE_S)
    assert state.acts_at == pytest.approx(10.0 + GRACE_S)
    state = state.observed(world.observe(), 10.0 + GRACE_S)
    assert state.is_active(vf, 10.0 + GRACE_S)
    assert state.wait_s(10.0 + GRACE_S) == pytest.approx(FIRST_S)
    assert state.acts_at is None, "when it is tried again, there may be nothing to do"
    steps = rest(world, Wanted(no_link=True))
    assert steps == [
        act.Withdraw(SYNTHETIC, Reason.NO_CARRIER),
        act.FollowUp(SYNTHETIC, False, Reason.NO_CARRIER),
    ]


def test_s102_link_that_comes_back_within_the_grace_changes_nothing(world: World) -> None:
    state = with_link(world).observed(world.observe(), 10.0)
    carrier(world, True)
    state = state.observed(world.observe(), 10.0 + GRACE_S / 2)
    assert state.wait_s(11.0) is None


def test_s102_grace_begins_when_the_kernel_left_the_vf_however_late_that_is_observed(world: World) -> None:
    vf = world.devmap
    assert vf is not None
    carrier(world, False)
    never_seen_with_a_link = LostLink(vf)
    state = never_seen_with_a_link.reported(vf, 10.0)
    assert state.acts_at == pytest.approx(10.0 + GRACE_S)
    assert state.observed(world.observe(), 10.0 + GRACE_S).is_active(vf, 10.0 + GRACE_S)
    assert not state.observed(world.observe(), 10.0 + GRACE_S / 2).is_active(vf, 10.0 + GRACE_S / 2)
    assert never_seen_with_a_link.observed(world.observe(), 10.5).reported(vf, 10.0) == state, "reported late"


def test_s102_link_that_was_used_again_since_it_was_lost_gets_a_grace_of_its_own(world: World) -> None:
    vf = world.devmap
    assert vf is not None
    carrier(world, False)
    state = LostLink(vf).reported(vf, 10.0).reported(vf, None)
    assert state.acts_at is None
    assert state.observed(world.observe(), 20.0).acts_at == pytest.approx(20.0 + GRACE_S)


def test_s102_loss_of_another_vf_or_of_one_that_is_down_for_it_changes_nothing(world: World) -> None:
    vf = world.devmap
    assert vf is not None
    assert LostLink(vf).reported(vf + 1, 10.0) == LostLink(vf)
    assert LostLink(vf).reported(vf + 1, None) == LostLink(vf)
    down = LostLink(vf, down_until=20.0)
    assert down.reported(vf, 19.0) == down


def test_s102_trials_become_rarer_and_longer_and_a_link_that_is_back_ends_them(world: World) -> None:
    vf, now = world.devmap, 10.0
    state = with_link(world).observed(world.observe(), now)
    lengths, trials = [], [TRIAL_S]
    for _ in range(9):
        now += trials[-1]
        state = state.observed(world.observe(), now)
        lengths.append(state.wait_s(now))
        assert state.is_active(vf, now)
        rest(world, Wanted(no_link=True))
        now = state.down_until
        assert not state.is_active(vf, now)
        rest(world)  # the trial: it is up, without carrier
        state = state.observed(world.observe(), now)
        trials.append(state.wait_s(now) or 0.0)
    assert trials[:4] == pytest.approx([TRIAL_S, TRIAL_S, 2 * TRIAL_S, 4 * TRIAL_S])
    assert set(trials[4:]) == {LONGEST_TRIAL_S}
    assert lengths[:3] == pytest.approx([FIRST_S, 2 * FIRST_S, 4 * FIRST_S])
    assert lengths[-1] == pytest.approx(LONGEST_S)
    carrier(world, True)
    state = state.observed(world.observe(), now + 1)
    assert state == LostLink(vf or 0, had_link=True)
    assert world.permitted


def test_s102_vf_that_came_up_just_now_may_take_its_time_to_find_a_link(world: World) -> None:
    """Autonegotiation: taken down after the grace, it would lose it each time."""
    vf = world.devmap
    with_link(world)
    assert vf is not None
    world.change_vf(vf, up=False)
    state = LostLink(vf, had_link=True).observed(world.observe(), 10.0)
    world.change_vf(vf, up=True)
    state = state.observed(world.observe(), 11.0)
    assert state.wait_s(11.0) == pytest.approx(TRIAL_S)
    assert not state.observed(world.observe(), 11.0 + TRIAL_S - 0.1).is_active(vf, 13.9)
    assert state.observed(world.observe(), 11.0 + TRIAL_S).is_active(vf, 14.0)


def test_s102_vf_that_the_driver_did_not_enslave_is_left_to_the_kernel(world: World) -> None:
    assert world.devmap is not None
    world.change_vf(world.devmap, master=None, carrier=False)
    assert LostLink().observed(world.observe(), 10.0) == LostLink()


def test_another_vf_begins_anew(world: World) -> None:
    carrier(world, False)
    state = LostLink().observed(world.observe(), 10.0).observed(world.observe(), 20.0)
    assert world.devmap is not None
    world.unplug(world.devmap)
    world.change_vf(world.plug(), master=SYNTHETIC)
    rest(world)
    state = state.observed(world.observe(), 21.0)
    assert (state.vf, state.length_s) == (world.devmap, 0.0)
