# SPDX-License-Identifier: GPL-2.0-only
"""Deferrable steps: a few of them in each turn, and never before urgent ones."""

import pytest

from netvsc_bpf.manager.state.deferred_steps import GRACE_S, PATIENCE_S, DeferredSteps
from netvsc_bpf.planner import actions as act

NOW = 100.0


def taken(deferred: DeferredSteps, ifindexes: range) -> list[int]:
    """Take what is let through of one such step for each pair; return the pairs."""
    found = []
    for ifindex in ifindexes:
        for step in deferred.without_late(ifindex, [act.ReplaceInterim(ifindex)]):
            deferred.took(step)
            found.append(ifindex)
    return found


@pytest.mark.parametrize(("pairs", "expected"), [(20, [8, 8, 4]), (256, [32] * 8), (9, [8, 1])])
def test_many_are_spread_over_looks_and_each_has_its_turn(pairs: int, expected: list[int]) -> None:
    deferred, left = DeferredSteps(), range(2, 2 + pairs)
    looks = []
    while left:
        deferred.begin(pairs, NOW)
        looks.append(len(taken(deferred, left)))
        left = left[looks[-1] :]
        assert (deferred.wait_s() is None) == (not left), "who was put off is looked at again at once"
    assert looks == expected


def test_other_steps_are_never_put_off() -> None:
    deferred = DeferredSteps()
    taken(deferred, range(2, 10))
    both = [act.Permit(50, 100), act.ReplaceInterim(50)]
    assert deferred.without_late(50, both) == both[:1]


def test_what_others_wait_for_goes_first_but_not_for_ever() -> None:
    deferred, moments = DeferredSteps(), []
    for tick in range(100):
        now = NOW + tick * PATIENCE_S / 40
        deferred.begin(2, now)
        deferred.planned([[act.ReplaceInterim(50)], [act.Permit(51, 100)]])
        moments += [now - NOW for _ in taken(deferred, range(50, 51))]
    assert moments[0] == pytest.approx(PATIENCE_S) and len(moments) == 2
    deferred.begin(2, NOW + 1000)
    deferred.planned([[act.ReplaceInterim(50)], [act.ReplaceInterim(51)]])
    assert taken(deferred, range(50, 52)) == [50, 51]


def test_nothing_takes_rtnl_from_a_vf_that_is_about_to_be_used() -> None:
    """Neither its own step nor another pair's, until it is used or had its time."""
    deferred = DeferredSteps()

    def plans(*, expected: bool) -> list[list[act.Action]]:
        mine = deferred.without_late(50, [act.ReplaceInterim(50)], expected=expected)
        return [mine, deferred.without_late(51, [act.ReplaceInterim(51)])]

    def look(now: float, *, expected: bool) -> list[int]:
        deferred.begin(2, now)
        deferred.planned(plans(expected=expected))
        return [step.ifindex for steps in plans(expected=expected) for step in steps]

    assert look(NOW, expected=True) == []
    assert deferred.wait_s() == pytest.approx(GRACE_S), "it does not look all the time meanwhile"
    assert look(NOW + 0.1, expected=False) == [50, 51], "it is used"
    assert look(NOW + 0.2, expected=True) == []
    assert look(NOW + GRACE_S, expected=True) == [50, 51], (
        "a carrier that does not come does not block others"
    )


def test_the_next_vf_has_time_of_its_own() -> None:
    deferred = DeferredSteps()
    for now, steps in ((NOW, [act.ReplaceInterim(50)]), (NOW + 0.5, []), (NOW + 3, [act.ReplaceInterim(50)])):
        deferred.begin(1, now)
        assert deferred.without_late(50, list(steps), expected=True) == []
