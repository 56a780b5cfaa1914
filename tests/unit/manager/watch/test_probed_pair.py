# SPDX-License-Identifier: GPL-2.0-only
"""When a pair is looked at next: by a schedule, but a question is given its time."""

import pytest

from netvsc_bpf.manager.watch.probed_pair import ProbedPair, SeenPair
from netvsc_bpf.planner.probe_policy import ProbePolicy

POLICY = ProbePolicy(enabled=True, interval_s=1.0)
SEEN = SeenPair(slot=0, vf=3, changed_at=1, reason=None, sent=0, received=0)


@pytest.mark.parametrize(
    ("late_s", "due_at"),
    [(0.0, 101.0), (0.1, 101.0), (0.15, 101.0), (0.4, 101.25), (0.99, 101.84), (30.0, 130.85)],
)
def test_s96_delays_of_looks_do_not_add_up_and_leave_time_for_an_answer(late_s: float, due_at: float) -> None:
    pair = ProbedPair(2, due_at=100.0)
    pair.looked(SEEN, POLICY, 100.0 + late_s)
    assert pair.due_at == pytest.approx(due_at)


def test_first_look_begins_the_schedule() -> None:
    pair = ProbedPair(2)
    pair.looked(SEEN, POLICY, 5000.0)
    assert 5000.5 < pair.due_at <= 5001.0
