# SPDX-License-Identifier: GPL-2.0-only
"""The sentinel in the kernel's own calls, where the kernel allows it (make vm-test)."""

from collections.abc import Callable
from pathlib import Path as File

import pytest

from netvsc_bpf.kernel.bpf.abi import REASONS
from netvsc_bpf.kernel.bpf.fentry_links import links_of
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Liveness, Path, Reason
from tests.kernel.support.attachment import attached
from tests.kernel.support.devices import NO_FABRIC, silence

LabFactory = Callable[[LabPlan], Lab]

pytestmark = [pytest.mark.guest, pytest.mark.every]


def links(lab: Lab) -> dict[str, File]:
    """The pinned links of the sentinel; the test is skipped where the kernel refuses such programs."""
    folder = NetnsPins(lab.in_guest(namespaces.current_inode)).sentinel
    pinned = {path.name: path for path in folder.iterdir()}
    if "netif_carrier_off" not in pinned:
        pytest.skip("this kernel refuses fentry programs: the rung `live` sees the VF die at the next packet")
    assert pinned.keys() == {*links_of(Liveness.FENTRY)}
    return pinned


@pytest.mark.parametrize("left", ["netif_carrier_off", "netif_carrier_off_returns"])
def test_s95_either_program_at_a_lost_carrier_suffices(lab_factory: LabFactory, left: str) -> None:
    """The kernel skips one that an interrupt finds running, and never both."""
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    with attached(lab, settle_ms=10) as pair:
        for name, path in links(lab).items():
            if name != left:
                path.unlink()
        assert pair.steer() is Path.VF
        lab.vf_carrier(False)
        state = pair.state()
        assert (state.armed, REASONS[state.reason]) == (0, Reason.NO_CARRIER)


def test_s95_a_vf_that_was_taken_down_is_held_until_it_is_up(lab_factory: LabFactory) -> None:
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    with attached(lab, settle_ms=10) as pair:
        links(lab)
        lab.vf_down()
        state = pair.state()
        assert (state.armed, state.held, REASONS[state.reason]) == (0, 1, Reason.VF_DOWN)
        lab.vf_up()
        assert pair.state().held == 0
        pair.steer()
        assert pair.state().permitted
