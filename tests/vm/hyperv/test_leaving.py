# SPDX-License-Identifier: GPL-2.0-only
"""hv_netvsc uses any VF that is up: one that we decided not to use must be down, for its host to leave it."""

from pathlib import Path as FilePath

import pytest

from netvsc_bpf.kernel.bpf.abi import REASONS, ControlCommand
from netvsc_bpf.kernel.net.announcement_frames import rarp
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.frames import Tap
from tests.kernel.support.manager import managers
from tests.kernel.support.waiting import eventually
from tests.vm.hyperv.host import Gate
from tests.vm.hyperv.pair import HypervPair, Shape
from tests.vm.sriov import PEER, SYNTHETIC
from tests.vm.streams import QUEUED, go_on, lost, lost_by_driver, udp, udp_back

pytestmark = [pytest.mark.guest, pytest.mark.timeout(600)]

HOLD = """
[stall]
hold_s = 6.0
"""


@pytest.fixture
def held_for_six_seconds(tmp_path: FilePath) -> FilePath:
    path = tmp_path / "hold.toml"
    path.write_text(HOLD)
    return path


@pytest.mark.every
@pytest.mark.parametrize("hyperv", [Shape.ENSLAVED], indirect=True)
def test_s101_s22_vf_that_is_held_back_neither_sends_nor_receives_until_it_is_used_again(
    hyperv: HypervPair, held_for_six_seconds: FilePath
) -> None:
    with managers(hyperv) as start:
        manager = start(SYNTHETIC, "--config", str(held_for_six_seconds))
        hyperv.plug()
        manager.wait_path(Path.VF)
        before = hyperv.lost_by_driver()
        with udp() as out, udp_back() as back:
            go_on(out, back)
            hyperv.control(ControlCommand.DISARM, REASONS.index(Reason.TX_TIMEOUT))
            manager.wait_path(Path.SYNTHETIC, Reason.STALLED)
            left_at = hyperv.left_at()
            eventually("the host has left the VF", lambda: hyperv.nic.datapath == "synthetic")
            sent, received = hyperv.nic.count("tx_vf"), hyperv.nic.count("rx_vf")
            go_on(out, back)
            assert (hyperv.nic.count("tx_vf"), hyperv.nic.count("rx_vf")) == (sent, received)
            manager.wait_path(Path.VF)
            go_on(out, back)
            results = out.stop(), back.stop()
        by_driver = lost_by_driver(hyperv, results[0], before, (left_at, hyperv.taken_at()))
        assert lost(results[0], left_at, queued=QUEUED) <= by_driver
        # What the VF had received and not delivered goes with its ring: it was taken down a moment later.
        assert results[1].lost - results[1].receiver_drops <= QUEUED
        (reported,) = manager.events_of("followed", "taken down")
        assert reported["reason"] == "stalled"


@pytest.mark.every
@pytest.mark.parametrize("gate", [Gate.STRICT, pytest.param(Gate.SPLIT, marks=pytest.mark.newest)])
@pytest.mark.parametrize("hyperv", [Shape.ENSLAVED], indirect=True)
def test_s102_s17_lost_carrier_moves_ingress_too_which_the_driver_alone_loses_for_ever(
    hyperv: HypervPair, gate: Gate
) -> None:
    hyperv.nic.gate(gate)
    hyperv.plug()
    eventually("the host delivers by the VF", lambda: hyperv.nic.datapath == "vf")
    hyperv.carrier(False)
    assert not hyperv.ping(check=False, count=3, wait_s=1), "by itself the driver keeps its host's path"
    assert hyperv.nic.datapath == "vf"

    with managers(hyperv) as start:
        manager = start(SYNTHETIC)
        arrives_by_vmbus(hyperv)
        hyperv.carrier(True)
        manager.wait_path(Path.VF)
        hyperv.ping(count=3, wait_s=10)
        hyperv.carrier(False)
        manager.wait_path(Path.SYNTHETIC, Reason.NO_CARRIER)
        arrives_by_vmbus(hyperv)


def arrives_by_vmbus(pair: HypervPair) -> None:
    """The host has left the VF, and what it delivers arrives: unless the link is just being tried again."""
    eventually("the host has left the VF", lambda: pair.nic.datapath == "synthetic")
    eventually("what the host delivers arrives", lambda: pair.ping(check=False))


@pytest.mark.every
@pytest.mark.parametrize("hyperv", [Shape.APART], indirect=True)
def test_s105_vf_that_the_driver_does_not_enslave_is_paired_and_s17_its_departure_announced(
    hyperv: HypervPair,
) -> None:
    hyperv.nic.gate(Gate.LENIENT)
    vf = hyperv.plug()
    assert vf.master is None
    with managers(hyperv) as start:
        manager = start(SYNTHETIC)
        manager.wait_event("joined", vf.name)
        manager.wait_path(Path.VF)
        hyperv.ping()
        announced = rarp(bytes.fromhex(hyperv.mac.replace(":", "")))
        with Tap(PEER, hyperv.peer_name()) as peer:
            hyperv.carrier(False)
            manager.wait_path(Path.SYNTHETIC, Reason.NO_CARRIER)
            peer.wait_for(announced)
        hyperv.ping(wait_s=10)
        hyperv.carrier(True)
        manager.wait_path(Path.VF)
        hyperv.ping(wait_s=10)
