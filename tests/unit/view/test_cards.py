# SPDX-License-Identifier: GPL-2.0-only
"""A pair's card: whether the VF is down by somebody else or by us."""

from dataclasses import replace

import pytest
from rich.console import Console

from netvsc_bpf.model.path import Reason
from netvsc_bpf.model.status import PairStatus
from netvsc_bpf.view.cards import cards
from tests.unit.view.shapes import CHANGED, ON_VF, on_synthetic


def printed(pair: PairStatus) -> str:
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(cards([pair], CHANGED))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


@pytest.mark.parametrize(
    ("reason", "taken_down", "told"),
    [
        (Reason.DAMPED, Reason.DAMPED, ", taken down by netvsc-bpf (damped)\n"),
        (Reason.VF_DOWN, None, ", down\n"),
    ],
)
def test_s101_vf_that_we_took_down_is_not_shown_as_somebody_elses_doing(
    reason: Reason, taken_down: Reason | None, told: str
) -> None:
    assert ON_VF.vf is not None
    pair = replace(on_synthetic(reason), vf=replace(ON_VF.vf, up=False), taken_down=taken_down)
    assert told in printed(pair)
    shown = pair.as_json()["vf"]
    assert (shown["up"], shown["taken_down"]) == (False, None if taken_down is None else taken_down.value)
