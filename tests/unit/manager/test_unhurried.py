# SPDX-License-Identifier: GPL-2.0-only
"""Steps that nobody waits for: a few of them for each look, and never in the way of others."""

import pytest

from netvsc_bpf.manager.unhurried import Unhurried
from netvsc_bpf.planner import actions as act


def taken(unhurried: Unhurried, ifindexes: range) -> list[int]:
    """Take what is let through of one such step for each pair; return the pairs."""
    found = []
    for ifindex in ifindexes:
        for step in unhurried.without_late(ifindex, [act.Fasten(ifindex)]):
            unhurried.took(step)
            found.append(ifindex)
    return found


@pytest.mark.parametrize(("pairs", "expected"), [(20, [8, 8, 4]), (256, [32] * 8), (9, [8, 1])])
def test_many_are_spread_over_looks_and_each_has_its_turn(pairs: int, expected: list[int]) -> None:
    unhurried, left = Unhurried(), range(2, 2 + pairs)
    looks = []
    while left:
        unhurried.begin(pairs)
        looks.append(len(taken(unhurried, left)))
        left = left[looks[-1] :]
        assert (unhurried.wait_s() is None) == (not left), "who was put off is looked at again at once"
    assert looks == expected


def test_other_steps_are_never_put_off() -> None:
    unhurried = Unhurried()
    taken(unhurried, range(2, 10))
    both = [act.Permit(50, 100), act.Fasten(50)]
    assert unhurried.without_late(50, both) == both[:1]


def test_what_others_wait_for_goes_first_but_not_for_ever() -> None:
    unhurried = Unhurried()
    looks = []
    for _ in range(25):
        unhurried.begin(2)
        unhurried.planned([[act.Fasten(50)], [act.Permit(51, 100)]])
        looks.append(len(taken(unhurried, range(50, 51))))
    assert looks[:2] == [0, 0] and sum(looks) == 2
    unhurried.begin(2)
    unhurried.planned([[act.Fasten(50)], [act.Fasten(51)]])
    assert taken(unhurried, range(50, 52)) == [50, 51]
