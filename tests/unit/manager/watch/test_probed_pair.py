# SPDX-License-Identifier: GPL-2.0-only
"""When a pair is looked at next: by a schedule, but a question is given its time."""

from dataclasses import replace
from ipaddress import IPv4Address
from typing import cast

import pytest

from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.manager.watch import probe_targets
from netvsc_bpf.manager.watch.probe_targets import Device, Targets
from netvsc_bpf.manager.watch.probed_pair import ProbedPair, SeenPair
from netvsc_bpf.planner.probe_policy import ProbePolicy, Target

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


def test_pair_is_looked_at_when_it_is_due_or_its_configuration_has_changed() -> None:
    pair = ProbedPair(2, due_at=5010.0)
    assert pair.is_due(POLICY, 5000.0), "it never was"
    pair.read_targets(cast(Rtnetlink, None), {}, POLICY, 5000.0)
    pair.looked(SEEN, POLICY, 5000.0)
    assert not pair.is_due(POLICY, 5001.0)
    assert pair.is_due(replace(POLICY, interval_s=2.0), 5001.0)
    assert pair.is_due(POLICY, pair.due_at)


def test_last_answer_is_one_of_the_targets_as_they_are_now(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = (Target(2, IPv4Address(text)) for text in ("10.0.0.1", "10.0.0.2"))
    device = Device(2, "eth0", b"\2\0\0\0\0\1")
    monkeypatch.setattr(probe_targets, "read", lambda *_: {2: device})
    pair = ProbedPair(2, due_at=0.0)
    for target, answers in ((before, True), (after, False)):
        monkeypatch.setattr(probe_targets, "choose", lambda *_, one=target: Targets({2: device}, (one,)))
        pair.read_targets(cast(Rtnetlink, None), {}, POLICY, 0.0)
        if answers:
            pair.heard(target, None)
        assert (pair.shown().last is not None) is answers
