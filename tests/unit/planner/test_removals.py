# SPDX-License-Identifier: GPL-2.0-only
"""A failure is taken back if it turns out to have been the beginning of a removal (row 106)."""

from dataclasses import replace

import pytest

from netvsc_bpf.planner.damping import Damper, DampingPolicy
from netvsc_bpf.planner.observation import PairObservation
from netvsc_bpf.planner.removals import SOON_S, Charges
from tests.unit.planner.world import World

AT = 1000.0
VF = 11
"""What World calls its first VF."""


def with_vf() -> PairObservation:
    """Return a pair that is done, its VF in use."""
    world = World()
    assert world.plug(up=True) == VF
    world.devmap = world.home = world.found_vf = VF
    seen = world.observe()
    assert seen.joined is not None
    return seen


def gone(seen: PairObservation) -> PairObservation:
    return replace(seen, joined=None, left_behind=True)


def charged(failures: int = 1) -> Charges:
    charges = Charges(Damper(DampingPolicy()))
    for number in range(failures):
        charges = charges.failed(VF, AT + number * 0.01)
    return charges


def test_s106_failure_is_taken_back_if_the_vf_is_gone_soon_after() -> None:
    seen = with_vf()
    charges = charged(4)
    assert charges.damper.suppressed
    after = charges.observed(seen, gone(seen), AT + 1)
    assert not after.damper.suppressed
    assert after.damper == charged(3).damper.decayed(AT + 1), "the last one, and no other"


def test_s106_vf_that_is_removed_long_after_it_failed_did_fail() -> None:
    seen = with_vf()
    after = charged().observed(seen, gone(seen), AT + SOON_S + 0.1)
    assert after.damper == charged().damper


def test_s106_vf_that_recovered_before_it_was_removed_did_fail() -> None:
    seen = with_vf()
    for recovered in (charged().observed(seen, seen, AT + 1), charged().used(VF)):
        after = recovered.observed(seen, gone(seen), AT + 2)
        assert after.damper == charged().damper
    another = charged().used(VF + 1).observed(seen, gone(seen), AT + 2)
    assert another.damper.figure == 0


def test_s106_vf_that_was_released_was_not_removed() -> None:
    seen = with_vf()
    released = replace(seen, joined=None, left_behind=False)
    assert charged().observed(seen, released, AT + 1) == charged()


def test_s106_failure_of_another_vf_stays() -> None:
    seen = with_vf()
    charges = charged().failed(VF + 1, AT + 0.5)
    assert charges.observed(seen, gone(seen), AT + 1).damper == charges.damper


def test_s106_failure_is_taken_back_once() -> None:
    seen = with_vf()
    after = charged(2).observed(seen, gone(seen), AT + 1)
    again = after.observed(seen, gone(seen), AT + 1)
    assert again.damper == after.damper
    assert after.damper.figure > 0


def test_s106_failure_that_is_reported_after_the_removal_costs_nothing() -> None:
    seen = with_vf()
    after = Charges(Damper(DampingPolicy())).observed(seen, gone(seen), AT + 1)
    assert after.failed(VF, AT).damper.figure == 0
    assert after.failed(VF + 1, AT).damper.figure == 1000
    assert after.failed(VF, AT + 1 - SOON_S - 0.1).damper.figure > 0, "long before"


def test_s106_vf_that_came_back_from_another_namespace_can_fail() -> None:
    seen = with_vf()
    after = Charges(Damper(DampingPolicy())).observed(seen, gone(seen), AT)
    back = after.observed(gone(seen), seen, AT + 1)
    assert back.failed(VF, AT + 2).damper.figure == 1000


def test_s106_vf_that_another_one_replaced_was_removed() -> None:
    seen = with_vf()
    assert seen.joined is not None
    other = replace(seen, joined=replace(seen.joined, vf=replace(seen.joined.vf, ifindex=VF + 1)))
    assert charged().observed(seen, other, AT + 1).damper.figure == 0


def test_s106_other_figures_that_came_into_force_meanwhile_apply() -> None:
    seen, policy = with_vf(), DampingPolicy(suppress=1500, reuse=900, ceiling=2000)
    charges = charged(3)
    reloaded = replace(charges, damper=charges.damper.with_policy(policy))
    after = reloaded.observed(seen, gone(seen), AT + 1).damper
    assert (after.policy, after.figure, after.suppressed) == (policy, pytest.approx(2000, abs=2), True)
