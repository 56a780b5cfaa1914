# SPDX-License-Identifier: GPL-2.0-only
"""Single plans whose order is a promise."""

from dataclasses import replace
from pathlib import Path

import pytest

from netvsc_bpf.model.path import LeavePolicy, Reason, ReturnPolicy
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.plan import Wanted, plan
from tests.unit.planner.world import SYNTHETIC, World

ALERTS = Path(__file__).resolve().parents[3] / "docs" / "alerts.md"


@pytest.fixture
def world() -> World:
    """A pair that is attached, joined and permitted."""
    made = World()
    made.plug()
    rest(made)
    assert made.permitted
    return made


def rest(world: World, wanted: Wanted | None = None) -> list[act.Action]:
    """Act until the plan is empty; return all steps."""
    done: list[act.Action] = []
    while steps := plan(world.observe(), wanted or Wanted()):
        world.execute(steps)
        done += steps
        assert len(done) < 30
    return done


def test_s01_from_nothing_to_permitted() -> None:
    world = World()
    vf = world.plug()
    assert [type(step) for step in rest(world)] == [act.Attach, act.Join, act.Permit, act.ReplaceInterim]
    assert (world.devmap, world.home, world.permitted, world.settle_ms) == (vf, vf, True, 100)


def test_fastening_which_may_be_put_off_hides_no_other_step() -> None:
    world = World()
    world.plug()
    while not world.permitted:
        world.execute(plan(world.observe(), Wanted()))
    world.change_synthetic(promiscuity=1)
    steps = plan(world.observe(), Wanted())
    assert steps == [act.ReplaceInterim(SYNTHETIC), act.FollowFlags(SYNTHETIC, True, False)]


def test_vf_without_permission_has_its_interim_home_replaced_too() -> None:
    world = World()
    world.plug()
    assert act.ReplaceInterim(SYNTHETIC) in rest(world, Wanted(damped=True))


def test_interim_home_that_was_removed_is_restored_by_a_link() -> None:
    world = World()
    world.plug()
    while not world.interim:
        world.execute_one(plan(world.observe(), Wanted())[0])
    world.home = None
    assert [type(step) for step in rest(world)] == [act.Join, act.Permit]


def test_removed_home_of_a_vf_that_refuses_the_mtu_is_restored_once_it_accepts_it() -> None:
    world = World()
    vf = world.plug(limit=1500)
    world.execute(plan(world.observe(), Wanted()))
    join = plan(world.observe(), Wanted())
    world.execute(join)
    world.change_synthetic(mtu=4000)
    world.execute(join)  # planned before the change, and retried after it
    world.home = None
    assert rest(world) == [act.FollowUp(SYNTHETIC, False, Reason.MTU_REFUSED)]
    world.mtu_limit[vf] = 4000
    world.change_vf(vf, mtu=4000)
    assert [type(step) for step in rest(world)] == [act.RepairMtu, act.Join, act.Permit]


def test_s95_permitted_vf_without_home_is_withdrawn_before_home_is_put_back(world: World) -> None:
    world.home = None
    assert plan(world.observe(), Wanted())[0] == act.Withdraw(SYNTHETIC, Reason.NOT_PERMITTED)


def test_s08_first_vf_removed_while_a_second_waits(world: World) -> None:
    first, second = world.devmap, world.plug()
    assert rest(world) == [], "a second VF is refused while one is in use"
    assert first is not None
    world.unplug(first)
    assert rest(world)[0] == act.Leave(SYNTHETIC, Reason.VF_GONE)
    assert (world.devmap, world.permitted) == (second, True)


def test_vf_is_released_although_a_hook_cannot_be_attached(world: World) -> None:
    assert world.devmap is not None
    world.change_vf(world.devmap, master=99)
    world.guard = False
    steps = plan(world.observe(), Wanted())
    assert steps == [act.Withdraw(SYNTHETIC, Reason.NO_VF), act.Leave(SYNTHETIC, Reason.NO_VF)]


def test_a_vf_out_of_step_is_withdrawn_before_a_hook_is_put_back(world: World) -> None:
    world.change_synthetic(mtu=9000)
    world.steer = False
    steps = plan(world.observe(), Wanted())
    assert steps == [act.Withdraw(SYNTHETIC, Reason.NOT_PERMITTED), act.Attach(SYNTHETIC)]


def test_s24_permission_is_withdrawn_before_the_vf_is_brought_down(world: World) -> None:
    world.change_synthetic(up=False)
    down = [act.Withdraw(SYNTHETIC, Reason.SYNTHETIC_DOWN), act.FollowUp(SYNTHETIC, False)]
    assert rest(world) == down, "and the kernel reports no failure of the VF"
    world.change_synthetic(up=True)
    assert rest(world) == [act.FollowUp(SYNTHETIC, True), act.Permit(SYNTHETIC, 100)]


def test_a_vf_that_its_administrator_set_down_is_left_down_as_the_page_of_alerts_says(world: World) -> None:
    assert world.devmap is not None
    world.change_vf(world.devmap, up=False)
    assert rest(world) == []
    (row,) = [line for line in ALERTS.read_text().splitlines() if line.startswith("| `vf-down` |")]
    assert "The manager leaves it down" in row


def test_s29_mtu_goes_back_where_the_vf_refuses(world: World) -> None:
    assert world.devmap is not None
    world.mtu_limit[world.devmap] = 1500
    world.change_synthetic(mtu=9000)
    rest(world)
    assert (world.synthetic.mtu, world.vfs[world.devmap].mtu, world.permitted) == (1500, 1500, True)


def test_s30_vf_that_refused_the_mtu_is_asked_no_more() -> None:
    world = World()
    world.change_synthetic(mtu=9000)
    vf = world.plug(limit=1500)
    assert [type(step) for step in rest(world)] == [act.Attach, act.Join]
    assert (world.devmap, world.home, world.permitted) == (vf, None, False)
    assert not world.vfs[vf].up, "its switch must not deliver to it"
    world.change_synthetic(mtu=1500)
    assert [type(step) for step in rest(world)] == [act.FollowMtu, act.Join, act.Permit]


def test_s36_mac_changed_on_the_vf_alone(world: World) -> None:
    assert world.devmap is not None
    vf = world.devmap
    world.change_vf(vf, mac="00:15:5d:0f:0f:0f")
    left = [act.Withdraw(SYNTHETIC, Reason.NO_VF), act.Leave(SYNTHETIC, Reason.NO_VF)]
    assert rest(world) == left
    assert (world.devmap, world.vfs[vf].mac) == (None, "00:15:5d:0f:0f:0f")


def test_vf_whose_driver_follows_by_itself_is_not_left(world: World) -> None:
    assert world.devmap is not None
    for change in ({"mac": "00:15:5d:0f:0f:0f"}, {"mtu": 9000}):
        world.change_synthetic(**change)
        world.change_vf(world.devmap, **change)
        assert not any(isinstance(step, act.Withdraw) for step in rest(world)), change
        assert world.permitted


def test_damping_is_stored_without_a_permission(world: World) -> None:
    damped = Wanted(damped=True, leave=LeavePolicy.STEER)
    assert rest(world, damped) == [act.Withdraw(SYNTHETIC, Reason.DAMPED)]
    assert world.devmap is not None
    world.unplug(world.devmap)
    world.plug()
    left_alone = [act.Withdraw(SYNTHETIC, Reason.DAMPED), act.ReplaceInterim(SYNTHETIC)]
    assert rest(world, damped)[-2:] == left_alone
    assert world.reason is Reason.DAMPED
    assert rest(world) == [act.Permit(SYNTHETIC, 100)]


def test_s91_steer_is_moved_behind_later_programs(world: World) -> None:
    world.late = (7,)
    assert rest(world) == [act.PutLast(SYNTHETIC)]


def test_s91_a_vf_does_not_wait_for_the_order(world: World) -> None:
    assert world.devmap is not None
    world.unplug(world.devmap)
    world.plug()
    world.late = (7,)
    assert isinstance(rest(world)[-1], act.PutLast)


def test_s101_vf_not_used_by_decision_is_taken_down_and_brought_up_again(world: World) -> None:
    vf = world.devmap
    assert vf is not None
    for wanted, why in (
        (Wanted(damped=True), Reason.DAMPED),
        (Wanted(held=Reason.STALLED), Reason.STALLED),
        (Wanted(held=Reason.UNREACHABLE), Reason.UNREACHABLE),
    ):
        steps = rest(world, wanted)
        assert steps == [act.Withdraw(SYNTHETIC, why), act.FollowUp(SYNTHETIC, False, why)]
        assert not world.vfs[vf].up
        world.change_vf(vf, up=True)  # by a driver that opens its VF, or by hand
        assert rest(world, wanted) == [act.FollowUp(SYNTHETIC, False, why)]
        assert rest(world) == [act.FollowUp(SYNTHETIC, True), act.Permit(SYNTHETIC, 100)]
        assert world.vfs[vf].up and world.fits()


def test_s101_vf_that_joins_a_damped_pair_is_never_brought_up() -> None:
    world = World()
    vf = world.plug()
    steps = rest(world, Wanted(damped=True))
    (join,) = (step for step in steps if isinstance(step, act.Join))
    assert join.down is Reason.DAMPED
    assert not any(isinstance(step, act.FollowUp) and step.up for step in steps)
    assert not world.vfs[vf].up and not world.permitted


def test_s101_vf_taken_down_externally_is_not_brought_up_again(world: World) -> None:
    vf = world.devmap
    assert vf is not None
    world.change_vf(vf, up=False)
    assert rest(world, Wanted(damped=True)) == [act.Withdraw(SYNTHETIC, Reason.DAMPED)]
    assert rest(world) == [act.Permit(SYNTHETIC, 100)]
    assert not world.vfs[vf].up


def test_s101_taking_down_waits_for_no_setting_that_is_refused(world: World) -> None:
    vf = world.devmap
    assert vf is not None
    world.change_vf(vf, mtu=1280)  # on the VF alone: to be repaired
    steps = plan(world.observe(), Wanted(damped=True))
    assert [type(step) for step in steps] == [act.Withdraw, act.FollowUp]


def test_s49_vf_without_xdp_is_used_or_not_as_configured(world: World) -> None:
    assert world.devmap is not None
    world.change_synthetic(xdp_prog_id=7)
    assert rest(world) == []
    required = Wanted(needs_xdp=True, leave=LeavePolicy.STEER)
    assert rest(world, required) == [act.Withdraw(SYNTHETIC, Reason.XDP_MISSING)]
    assert rest(world, Wanted(needs_xdp=True)) == [act.FollowUp(SYNTHETIC, False, Reason.XDP_MISSING)]
    world.change_vf(world.devmap, xdp_prog_id=8)
    back = [act.FollowUp(SYNTHETIC, True), act.Permit(SYNTHETIC, 100)]
    assert rest(world, Wanted(needs_xdp=True)) == back


def test_permission_with_another_settle_time_is_renewed(world: World) -> None:
    assert rest(world, Wanted(settle_ms=20)) == [act.Permit(SYNTHETIC, 20)]


def test_s26_only_pairs_whose_synthetic_nic_is_gone_are_released() -> None:
    assert act.orphans([2, 5, 7], [1, 5, 9]) == [act.Release(2), act.Release(7)]
    assert act.orphans([2], [2]) == []


def test_what_is_seen_is_never_changed_by_planning(world: World) -> None:
    seen = world.observe()
    kept = replace(seen)
    plan(seen, Wanted(damped=True))
    assert seen == kept


def test_s90_nothing_is_begun_for_a_pair_that_is_refused() -> None:
    seen = replace(World().observe(), attached=False)
    assert plan(seen, Wanted()) == [act.Attach(SYNTHETIC)]
    assert plan(replace(seen, refused=True), Wanted()) == []


def test_s90_pair_that_is_refused_once_attached_is_kept_in_order(world: World) -> None:
    world.steer = False
    assert act.Attach(SYNTHETIC) in plan(replace(world.observe(), refused=True), Wanted())


def test_s94_mode_that_was_noted_and_not_set_is_set(world: World) -> None:
    assert world.devmap is not None
    world.change_synthetic(promiscuity=1)
    assert rest(world) == [act.FollowFlags(SYNTHETIC, True, False)]
    world.change_vf(world.devmap, promiscuity=0)
    assert rest(world) == [act.FollowFlags(SYNTHETIC, True, False)]


def test_s98_drained_vf_lingers_and_is_taken_down_then(world: World) -> None:
    world.drain(take_down=False)
    assert plan(world.observe(), Wanted(lingers=True)) == []
    down = act.FollowUp(SYNTHETIC, False, Reason.DRAINED)
    assert rest(world) == [down], "the kernel has withdrawn the permission, and said why"
    world.undrain()
    assert rest(world) == [act.FollowUp(SYNTHETIC, True), act.Permit(SYNTHETIC, 100)]


def test_s98_vf_that_is_down_already_is_not_brought_up_to_linger(world: World) -> None:
    rest(world, Wanted(damped=True))
    world.drain(take_down=True)
    assert [type(step) for step in plan(world.observe(), Wanted(damped=True, lingers=True))] == []


def test_s98_where_the_policy_is_to_steer_a_drained_vf_stays_up(world: World) -> None:
    world.drain(take_down=False)
    assert rest(world, Wanted(leave=LeavePolicy.STEER)) == []
    world.undrain()
    assert rest(world) == [act.Permit(SYNTHETIC, 100)]


def test_s98_drain_goes_before_every_other_decision(world: World) -> None:
    world.drain(take_down=True)
    assert rest(world, Wanted(damped=True, held=Reason.STALLED)) == []
    world.undrain()
    assert rest(world, Wanted(damped=True)) == [act.Withdraw(SYNTHETIC, Reason.DAMPED)]


def test_s98_vf_that_joins_a_drained_pair_is_not_brought_up_and_status_says_why(world: World) -> None:
    world.drain(take_down=True)
    assert world.devmap is not None
    world.unplug(world.devmap)
    second = world.plug(up=True)
    steps = rest(world)
    assert next(step for step in steps if isinstance(step, act.Join)).down is Reason.DRAINED
    assert (world.devmap, world.permitted, world.reason) == (second, False, Reason.DRAINED)
    assert not world.vfs[second].up


BY_HAND = Wanted(returns=ReturnPolicy.MANUAL)


def test_s100_the_return_policy_is_in_force_before_a_permission() -> None:
    world = World()
    world.plug(up=True)
    steps = rest(world, BY_HAND)
    kinds = [type(step) for step in steps]
    assert kinds.index(act.SetReturn) < kinds.index(act.Join) < kinds.index(act.Permit)


def test_s100_vf_that_failed_is_taken_down_and_stays_so_whatever_ends_but_the_operators_word(
    world: World,
) -> None:
    rest(world, BY_HAND)
    world.fail()
    vf = world.devmap
    assert rest(world, BY_HAND) == [
        act.Withdraw(SYNTHETIC, Reason.MANUAL),
        act.FollowUp(SYNTHETIC, False, Reason.MANUAL),
    ]
    rest(world, replace(BY_HAND, damped=True))
    assert rest(world, BY_HAND) == []
    assert vf is not None
    world.unplug(vf)
    world.plug(up=True)
    (down,) = [step.down for step in rest(world, BY_HAND) if isinstance(step, act.Join)]
    assert down is Reason.MANUAL, "it is not even brought up"
    assert not world.permitted, "another VF is no permission of the operator"
    assert world.devmap is not None and not world.vfs[world.devmap].up
    world.undrain()
    assert act.Permit(SYNTHETIC, 100) in rest(world, BY_HAND)


def test_s100_the_policy_auto_ends_the_wait(world: World) -> None:
    rest(world, BY_HAND)
    world.fail()
    rest(world, BY_HAND)
    steps = rest(world)
    assert steps[0] == act.SetReturn(SYNTHETIC, ReturnPolicy.AUTO)
    assert act.Permit(SYNTHETIC, 100) in steps
