# SPDX-License-Identifier: GPL-2.0-only
"""What a step puts back, and what it puts on for the first time."""

from dataclasses import replace

import pytest

from netvsc_bpf.manager.state.missing_hooks import lost_hooks, missing_hooks
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Liveness
from netvsc_bpf.planner.actions import Action, Attach, Join, Permit, PutLast
from netvsc_bpf.planner.observation import Followed, Joined, PairObservation

ETH0 = Nic(2, "eth0", "02:00:00:00:00:01", 1500, up=True, carrier=True)
VF0 = replace(ETH0, ifindex=3, name="vf0")
JOINED = Joined(
    VF0, home=True, followed=Followed(True, 1500, VF0.mac), permitted=True, armed=True, settle_ms=100
)
WHOLE = PairObservation(ETH0, steer=True, guard=True, liveness=Liveness.LIVE, joined=JOINED, candidate=VF0)
NO_HOME = replace(JOINED, home=False)


@pytest.mark.parametrize(
    ("pair", "step", "missing", "lost"),
    [
        (replace(WHOLE, steer=False), Attach(2), "steer", "steer"),
        (replace(WHOLE, guard=False, guard_lost=True), Attach(2), "guard", "guard"),
        (replace(WHOLE, steer=False, guard=False, guard_lost=True), Attach(2), "steer guard", "steer guard"),
        # Somebody wants another mode of guard: nothing was lost.
        (replace(WHOLE, guard=False), Attach(2), "guard", ""),
        (replace(WHOLE, joined=NO_HOME), Join(2, VF0), "home", "home"),
        # A VF that is new, and one whose joining was interrupted.
        (replace(WHOLE, joined=None), Join(2, VF0), "home", ""),
        (
            replace(WHOLE, joined=replace(NO_HOME, followed=Followed(False, 0, VF0.mac))),
            Join(2, VF0),
            "home",
            "",
        ),
        (replace(WHOLE, steer=False), Permit(2, 100), "", ""),
        (replace(WHOLE, passed_by=(7,)), PutLast(2), "", "steer"),
        (None, Attach(2), "", ""),
    ],
)
def test_hooks_of_a_step(pair: PairObservation | None, step: Action, missing: str, lost: str) -> None:
    assert " ".join(missing_hooks(pair, step)) == missing
    assert " ".join(lost_hooks(pair, step)) == lost
