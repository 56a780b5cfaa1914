# SPDX-License-Identifier: GPL-2.0-only
"""Which changes of path cost a penalty at once."""

from types import SimpleNamespace
from typing import Any

import pytest

from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.manager.namespaces.namespace_manager import NamespaceManager
from netvsc_bpf.manager.state.pair_states import PairMemories
from netvsc_bpf.model.path import Path, Reason
from netvsc_bpf.planner.damping import FAILURES, DampingPolicy
from netvsc_bpf.planner.stall import StallPolicy


def penalties(to: Path, reason: Reason) -> list[int]:
    """The pairs (ifindex) that a change of path costs a penalty."""
    left: list[int] = []
    memories = SimpleNamespace(
        path_left=lambda ifindex, _vf, _when, **_: left.append(ifindex),
        path_returned=lambda *_: None,
        stalled=lambda _: None,
    )
    manager: Any = SimpleNamespace(
        _reconcile=SimpleNamespace(memories=memories), _reporter=SimpleNamespace(switched=lambda _: None)
    )
    change = abi.PathEvent(
        synthetic_ifindex=2, to=abi.PATHS.index(to), reason=abi.REASONS.index(reason), at=1_000_000_000
    )
    NamespaceManager._take_note(manager, change)
    return left


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.UNREACHABLE])
def test_a_failure_costs_a_penalty_and_a_decision_none(reason: Reason) -> None:
    assert penalties(Path.SYNTHETIC, reason) == ([2] if reason in FAILURES else [])


def test_s106_a_removal_costs_none() -> None:
    assert penalties(Path.SYNTHETIC, Reason.VF_GONE) == []
    assert penalties(Path.SYNTHETIC, Reason.VF_DOWN) == [2]


def test_s97_leaving_as_unreachable_costs_none_before_the_vf_is_known_to_be_at_fault() -> None:
    assert penalties(Path.SYNTHETIC, Reason.UNREACHABLE) == []


def test_s106_vf_that_is_used_again_keeps_its_penalty_when_it_is_removed_later() -> None:
    memories = PairMemories(DampingPolicy(), StallPolicy(), lambda *_: None)
    memories.path_left(2, 7, 1000.0)
    memories.path_returned(2, 7)
    memories.count()
    assert memories.of(2).charges.without is None
    assert memories.of(2).damper.figure == 1000
