# SPDX-License-Identifier: GPL-2.0-only
"""A guest that only listens: it sends nothing, so only the frame that arrives can show that the VF died."""

from collections.abc import Callable

import pytest

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import GuardMode, Path, Reason
from tests.kernel.support.attachment import attached


@pytest.mark.parametrize("guard", [GuardMode.MULTICAST, GuardMode.ALL], ids=["multicast", "all"])
@pytest.mark.parametrize(
    ("leave", "reason"),
    [
        (Lab.vf_down, Reason.VF_DOWN),
        (lambda lab: lab.vf_carrier(False), Reason.NO_CARRIER),
        (Lab.unplug_vf, Reason.NO_VF),
    ],
    ids=["down", "carrier", "unplug"],
)
def test_s16_guest_that_only_listens_is_reached_when_its_vf_dies(
    lab: Lab, guard: GuardMode, leave: Callable[[Lab], None], reason: Reason
) -> None:
    with attached(lab, guard=guard) as pair:
        pair.wait_used()
        leave(lab)
        # The peer has forgotten the guest: its first word is a question to everybody.
        lab.run(lab.peer, ["ip", "neigh", "flush", "all"])
        lab.run(lab.peer, ["ping", "-c", "1", "-W", "10", "10.99.0.1"])
        assert pair.where == (Path.SYNTHETIC, reason)
