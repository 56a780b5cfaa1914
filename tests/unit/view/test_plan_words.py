# SPDX-License-Identifier: GPL-2.0-only
"""What `plan` says of each step, and of a plan without one."""

import pytest

from netvsc_bpf.model.path import GuardMode, Liveness, Path, Reason, ReturnPolicy
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.forecast import Forecast
from netvsc_bpf.planner.observation import Followed, Joined, PairObservation
from netvsc_bpf.planner.preview import PairPreview, Preview, Programs
from netvsc_bpf.view.plan_words import plan_lines, step_text
from tests.unit.discovery.shapes import NETVSC, VF

JOINED = Joined(VF, True, Followed(True, 1500, NETVSC.mac), True, True, 100)
SEEN = PairObservation(NETVSC, steer=False, guard=False, liveness=Liveness.LIVE, joined=JOINED)
STEPS: list[tuple[act.Action, str]] = [
    (act.Attach(2), "attach steer and attach guard all"),
    (act.PutLast(2), "move steer behind"),
    (act.Join(2, VF), f"add {VF.name} as VF: MTU 1500"),
    (act.Join(2, VF, Reason.DRAINED), "leave it down (drained)"),
    (act.ReplaceInterim(2), "replace the interim filter"),
    (act.Describe(2), f"give the programs the MAC of {NETVSC.name}"),
    (act.SetReturn(2, ReturnPolicy.AUTO), f"have {VF.name} return by itself"),
    (act.SetReturn(2, ReturnPolicy.MANUAL), f"after a failure of {VF.name}, wait for an operator"),
    (act.Leave(2, Reason.VF_GONE), f"release {VF.name} (vf-gone)"),
    (act.Permit(2, 70), f"permit {VF.name}, settle time 70 ms"),
    (act.Withdraw(2, Reason.DAMPED), f"do not use {VF.name} (damped)"),
    (act.FollowUp(2, True), f"bring {VF.name} up"),
    (act.FollowUp(2, False, Reason.DRAINED), f"take {VF.name} down (drained)"),
    (act.FollowMtu(2, 1400, 1500), f"set the MTU of {VF.name} to 1400"),
    (act.RepairMtu(2, 1400), f"set the MTU of {VF.name} to 1400"),
    (act.FollowMac(2, "02:00:00:00:00:01", NETVSC.mac), f"set the MAC of {VF.name} to 02:00:00:00:00:01"),
    (act.FollowFlags(2, True, False), "set promisc on and allmulti off"),
]


def pair(*problems: str) -> PairPreview:
    return PairPreview(NETVSC, Forecast((), SEEN, Path.VF, Reason.ARMED), 100, GuardMode.ALL, problems)


@pytest.mark.parametrize(("step", "said"), STEPS)
def test_every_step_has_words(step: act.Action, said: str) -> None:
    assert said in step_text(pair(), SEEN, step)


def test_no_step_is_without_words() -> None:
    kinds = {one for one in vars(act).values() if isinstance(one, type) and issubclass(one, act.Action)}
    assert kinds - {act.Action, act.Release} == {type(step) for step, _ in STEPS}


@pytest.mark.parametrize(
    ("preview", "lines"),
    [
        (Preview(()), ["no synthetic NIC is here: wait for one to appear"]),
        (Preview((), missing=("eth\x1b7",)), [r"eth\x1b7: wait for it; there is no such interface yet"]),
        (
            Preview((pair("vf1 is not used"),), Programs.REPLACE, released=(9,)),
            [
                "compile the programs and replace those that are loaded, under traffic",
                "interface 9 is gone: restore its VF, remove its programs",
                f"{NETVSC.name}: nothing to do, path vf (armed)",
                "  ! vf1 is not used",
            ],
        ),
    ],
)
def test_lines_of_a_plan(preview: Preview, lines: list[str]) -> None:
    assert list(plan_lines(preview)) == lines
