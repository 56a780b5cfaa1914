# SPDX-License-Identifier: GPL-2.0-only
"""A forecast is what happens: the same steps as in the world, if none of them fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.model.path import Path, Reason, ReturnPolicy
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.forecast import forecast
from netvsc_bpf.planner.plan import Wanted, plan
from tests.unit.planner.world import World


def done(world: World, wanted: Wanted) -> list[act.Action]:
    """The steps that the world takes until there are none. That of the interim filter is no news."""
    found: list[act.Action] = []
    for _ in range(20):
        steps = plan(world.observe(), wanted)
        if not steps:
            return found
        world.execute(steps)
        found += steps
    raise AssertionError("no end")


def kinds(steps: list[act.Action]) -> list[str]:
    return [type(one).__name__ for one in steps if not isinstance(one, act.ReplaceInterim)]


EVENTS = st.sampled_from(
    (
        "plug",
        "unplug",
        "down",
        "up",
        "vf mtu",
        "mtu",
        "mac",
        "promisc",
        "home",
        "steer",
        "late",
        "drain",
        "undrain",
        "fail",
    )
)


def happen(world: World, event: str) -> None:
    vf = next(iter(world.vfs), None)
    match event:
        case "plug" if vf is None:
            world.plug()
        case "unplug" if vf is not None:
            world.unplug(vf)
        case "down" | "up":
            world.change_synthetic(up=event == "up")
        case "vf mtu" if vf is not None:
            world.change_vf(vf, mtu=1300)
        case "mtu":
            world.change_synthetic(mtu=1400 if world.synthetic.mtu == 1500 else 1500)
        case "mac":
            world.change_synthetic(mac="00:15:5d:0a:0a:0a")
        case "promisc":
            world.change_synthetic(promiscuity=1 - world.synthetic.promiscuity)
        case "home":
            world.home = None
        case "steer":
            world.steer = False
        case "late":
            world.late = (7,)
        case "drain":
            world.drain(take_down=False)
        case "undrain":
            world.undrain()
        case "fail" if world.permitted:
            world.fail()


WANTED = st.builds(
    Wanted,
    settle_ms=st.sampled_from([20, 100]),
    damped=st.booleans(),
    held=st.sampled_from([None, Reason.STALLED, Reason.UNREACHABLE]),
    needs_xdp=st.booleans(),
    returns=st.sampled_from(ReturnPolicy),
)


@given(st.lists(st.tuples(EVENTS, st.booleans()), max_size=12), WANTED)
def test_forecast_is_what_happens(events: list[tuple[str, bool]], wanted: Wanted) -> None:
    world = World()
    for event, at_rest in events:
        happen(world, event)
        if at_rest:
            done(world, wanted)
    expected = forecast(world.observe(), wanted)
    assert kinds([step for _, step in expected.steps]) == kinds(done(world, wanted))
    seen = world.observe()
    assert (seen.joined is None) == (expected.after.joined is None)
    if seen.joined is not None and expected.after.joined is not None:
        assert seen.joined.permitted == expected.after.joined.permitted
        assert seen.joined.vf.up == expected.after.joined.vf.up
    assert (expected.path is Path.VF) == (expected.reason is Reason.ARMED)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Wanted(), Reason.ARMED),
        (Wanted(damped=True), Reason.DAMPED),
        (Wanted(held=Reason.STALLED), Reason.STALLED),
        (Wanted(held=Reason.UNREACHABLE), Reason.UNREACHABLE),
    ],
)
def test_outcome_is_the_reason_that_status_will_show(wanted: Wanted, reason: Reason) -> None:
    world = World()
    world.plug()
    assert forecast(world.observe(), wanted).reason is reason


def test_pair_without_a_vf_is_attached_and_waits() -> None:
    expected = forecast(World().observe(), Wanted())
    assert [type(step) for _, step in expected.steps] == [act.Attach]
    assert expected.reason is Reason.NO_VF


def test_vf_without_carrier_is_not_promised() -> None:
    world = World()
    world.change_vf(world.plug(up=True), carrier=False)
    assert forecast(world.observe(), Wanted()).reason is Reason.NO_CARRIER
