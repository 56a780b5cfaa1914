# SPDX-License-Identifier: GPL-2.0-only
"""drain and undrain of a true VF: its rings are empty when it is taken down, and hv_netvsc's host follows."""

from contextlib import ExitStack

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.manager.events.running_manager import RunningManager
from netvsc_bpf.model.path import GuardMode, Path, Reason
from tests.kernel.support.manager import managers
from tests.kernel.support.waiting import eventually
from tests.vm.hyperv.pair import HypervPair
from tests.vm.sriov import SYNTHETIC, SriovPair
from tests.vm.streams import QUEUED, go_on, lost_by_driver, udp, udp_back

pytestmark = [pytest.mark.guest, pytest.mark.timeout(900)]

ROUNDS = 2


def carried(pair: SriovPair) -> tuple[int, int]:
    """What the VF has sent and received; on hv_netvsc the host has counted it."""
    if isinstance(pair, HypervPair):
        return pair.nic.count("tx_vf"), pair.nic.count("rx_vf")
    status = pair.status()
    return status.tx.vf.packets, status.rx.vf.packets


@pytest.mark.parametrize(
    "managed",
    [pytest.param(True, id="managed"), pytest.param(False, id="alone", marks=pytest.mark.newest)],
)
def test_s98_true_vf_is_drained_and_undrained_under_traffic_both_ways(
    any_pair: SriovPair, managed: bool
) -> None:
    hyperv = isinstance(any_pair, HypervPair)
    any_pair.plug()
    guard = GuardMode.OFF if hyperv else GuardMode.ALL
    any_pair.attach(guard=guard)
    any_pair.wait_for(Path.VF)
    with ExitStack() as undo:
        manager = undo.enter_context(managers(any_pair))(SYNTHETIC) if managed else None
        if manager is not None:
            manager.wait_path(Path.VF)
        out, back = undo.enter_context(udp()), undo.enter_context(udp_back())
        go_on(out, back)
        before_all, away = any_pair.lost_by_driver(), []
        for _ in range(ROUNDS):
            assert datapath.drain(SYNTHETIC, None, "a test", RunningManager()) == []
            status = any_pair.status()
            assert (status.path, status.reason) == (Path.SYNTHETIC, Reason.DRAINED)
            assert status.vf is not None and not status.vf.up
            assert status.taken_down is Reason.DRAINED
            if isinstance(any_pair, HypervPair):
                nic = any_pair.nic
                eventually("the host has left the VF", lambda nic=nic: nic.datapath == "synthetic")
            before, left_at = carried(any_pair), any_pair.left_at()
            go_on(out, back)
            assert carried(any_pair) == before, "the VF takes no traffic"
            assert datapath.undrain(SYNTHETIC, RunningManager()) == []
            eventually("the VF is used again", lambda: any_pair.status().path is Path.VF)
            away.append((left_at, any_pair.taken_at()))
            go_on(out, back)
            assert carried(any_pair) > before
        sent, received = out.stop(), back.stop()
        by_driver = lost_by_driver(any_pair, sent, before_all, *away)
        if manager is not None:
            assert {event["reason"] for event in manager.events_of("switched")} <= {"drained", "armed"}
            assert not manager.events_of("damped")
    losses = [one.lost - one.receiver_drops for one in (sent, received)]
    print(f"s98, {any_pair.__class__.__name__}: lost {losses} of {sent.sent} and {received.sent}")
    assert losses[0] <= by_driver
    # What an embedded switch or a host gives to a VF just as it is taken down goes with its ring.
    assert losses[1] <= (ROUNDS * QUEUED if hyperv else 0)
