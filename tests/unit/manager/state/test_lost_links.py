# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel reports of a VF's carrier is remembered of its pair, in the order of the reports."""

import pytest

from netvsc_bpf.manager.state.pair_states import PairMemories
from netvsc_bpf.planner.damping import DampingPolicy
from netvsc_bpf.planner.lost_link import GRACE_S, LostLink
from netvsc_bpf.planner.stall import StallPolicy

PAIR, VF = 2, 7


@pytest.fixture
def memories() -> PairMemories:
    made = PairMemories(DampingPolicy(), StallPolicy(), lambda *_: None)
    made.of(PAIR).link = LostLink(VF)
    return made


def test_s102_pair_has_a_step_once_the_grace_of_a_lost_link_is_over(memories: PairMemories) -> None:
    memories.path_left(PAIR, VF, 100.0, link_lost=True)
    assert memories.steps_at() == {PAIR: pytest.approx(100.0 + GRACE_S)}, "before it was processed"
    memories.count()
    assert memories.steps_at() == {PAIR: pytest.approx(100.0 + GRACE_S)}


def test_s102_it_has_none_if_the_vf_was_used_again_meanwhile(memories: PairMemories) -> None:
    memories.path_left(PAIR, VF, 100.0, link_lost=True)
    memories.path_returned(PAIR, VF)
    memories.count()
    assert memories.steps_at() == {}
    memories.path_returned(PAIR, VF)
    memories.path_left(PAIR, VF, 101.0, link_lost=True)
    memories.count()
    assert memories.steps_at() == {PAIR: pytest.approx(101.0 + GRACE_S)}


def test_pair_whose_vf_the_driver_did_not_enslave_has_none(memories: PairMemories) -> None:
    memories.of(PAIR).link = LostLink()
    memories.path_left(PAIR, VF, 100.0, link_lost=True)
    memories.count()
    assert memories.steps_at() == {}
