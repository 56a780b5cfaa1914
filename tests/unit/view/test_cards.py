# SPDX-License-Identifier: GPL-2.0-only
"""A pair's card: whether the VF is down by somebody else or by us, and whether an operator drained it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from click import unstyle

from netvsc_bpf.model.drain import Drained
from netvsc_bpf.model.path import Reason
from netvsc_bpf.model.probe import Probe, ProbeState
from netvsc_bpf.model.status import PairStatus
from netvsc_bpf.view.cards import cards
from tests.unit.view.shapes import CHANGED, ON_VF, on_synthetic


def printed(pair: PairStatus) -> str:
    return unstyle(cards([pair], CHANGED, 200))


@pytest.mark.parametrize(
    ("reason", "taken_down", "explained"),
    [
        (Reason.DAMPED, Reason.DAMPED, ", taken down by netvsc-bpf (damped)\n"),
        (Reason.VF_DOWN, None, ", down\n"),
    ],
)
def test_s101_vf_taken_down_by_netvsc_bpf_is_shown_as_such(
    reason: Reason, taken_down: Reason | None, explained: str
) -> None:
    assert ON_VF.vf is not None
    pair = replace(on_synthetic(reason), vf=replace(ON_VF.vf, up=False), taken_down=taken_down)
    assert explained in printed(pair)
    shown = pair.as_json()["vf"]
    assert (shown["up"], shown["taken_down"]) == (False, None if taken_down is None else taken_down.value)


def test_s98_pair_without_a_vf_is_said_to_be_drained_as_well() -> None:
    pair = on_synthetic(Reason.NO_VF, drained=Drained(CHANGED, None, "cable"))
    shown = printed(pair)
    assert "eth0 has no VF now" in shown
    assert "Drained at 2026-11-22 07:00:00+00:00: cable" in shown and "undrain eth0" in shown


def test_s98_json_has_the_drain() -> None:
    assert ON_VF.as_json()["drained"] is None
    pair = on_synthetic(Reason.DRAINED, drained=Drained(CHANGED, CHANGED + timedelta(hours=1), "cable"))
    assert pair.as_json()["drained"] == {
        "since": "2026-11-22T07:00:00.000000Z",
        "until": "2026-11-22T08:00:00.000000Z",
        "why": "cable",
        "by": "operator",
    }


@pytest.mark.parametrize("state", ProbeState)
def test_s97_status_says_what_the_probe_found_and_whether_it_watches_anything(state: ProbeState) -> None:
    targets = () if state is ProbeState.NO_TARGETS else ("10.0.0.1", "10.5.0.1%eth0.5")
    line = next(
        line
        for line in printed(replace(ON_VF, probe=Probe(targets, state))).splitlines()
        if line.strip().startswith("probe")
    )
    assert ("nothing is watched" in line) == (state in (ProbeState.NO_TARGETS, ProbeState.UNPROVEN))
    assert ("10.5.0.1%eth0.5" in line) == bool(targets)


def test_s97_target_that_never_answered_was_not_asked_by_both_paths() -> None:
    never = Probe(("10.0.0.1",), ProbeState.UNPROVEN)
    assert "10.0.0.1: no answer yet: nothing is watched" in printed(replace(ON_VF, probe=never))
    silent = replace(never, last_answer=CHANGED - timedelta(seconds=3))
    assert "no answer by either path: nothing is watched" in printed(replace(ON_VF, probe=silent))


def test_status_says_when_a_target_answered_last_and_nothing_without_a_probe() -> None:
    probe = Probe(("10.0.0.1",), ProbeState.REACHABLE, CHANGED - timedelta(seconds=3))
    assert "10.0.0.1: reachable, last answer 3 s ago" in printed(replace(ON_VF, probe=probe))
    assert "probe" not in printed(ON_VF)
