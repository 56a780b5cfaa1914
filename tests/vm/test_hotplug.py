# SPDX-License-Identifier: GPL-2.0-only
"""A VF that is a PCI device of another make (e1000e): plugged in, its wire pulled, taken out under load."""

import subprocess
import sys
import time

import pytest

from netvsc_bpf.manager.state.announce_policy import AnnouncePolicy
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.announced import Announced
from tests.kernel.support.manager import managers
from tests.kernel.support.waiting import eventually
from tests.vm.hotplug import HotPluggedPair
from tests.vm.rtnl.holder import holding_rtnl
from tests.vm.sriov import ADDRESS, PEER, SYNTHETIC, silent
from tests.vm.streams import END_NS, QUEUED, go_on, lost, udp, udp_back

pytestmark = [pytest.mark.guest, pytest.mark.timeout(600)]
HELD_MS = 3000
"""A manager that is not kept waiting announces within a fraction of it, in an emulated guest too."""
ROUNDS_S = AnnouncePolicy().after_s[-1] + 2 * AnnouncePolicy().gap_s
"""A change of path is not announced any more after that, and the next one is at once."""


@pytest.mark.newest
def test_s01_nic_plugged_in_is_used_its_errors_are_exported_s53_and_s18_no_more_is_lost_than_was_queued(
    hot_plugged: HotPluggedPair,
) -> None:
    with managers(hot_plugged) as start:
        manager = start(SYNTHETIC)
        manager.wait_path(Path.SYNTHETIC)
        vf = hot_plugged.plug()
        manager.wait_event("joined", vf.name)
        manager.wait_path(Path.VF, Reason.ARMED)
        hot_plugged.ping(wait_s=10)
        hot_plugged.carrier(False)
        manager.wait_path(Path.SYNTHETIC, Reason.NO_CARRIER)
        hot_plugged.ping(wait_s=10)
        hot_plugged.carrier(True)
        hot_plugged.wait_for(Path.VF)
        _errors_are_exported(hot_plugged)
        with udp() as stream:
            go_on(stream)
            hot_plugged.unplug()
            manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
            left_at = hot_plugged.left_at()
            go_on(stream)
            result = stream.stop()
        # Packets in the transmit ring are lost with the driver: e1000e empties it unsent.
        assert lost(result, left_at, queued=QUEUED) <= 0


@pytest.mark.newest
def test_s106_nic_that_is_unplugged_ten_times_in_a_row_is_never_damped(hot_plugged: HotPluggedPair) -> None:
    with managers(hot_plugged) as start:
        manager = start(SYNTHETIC)
        manager.wait_path(Path.SYNTHETIC)
        for number in range(10):
            hot_plugged.plug()
            hot_plugged.wait_for(Path.VF)
            hot_plugged.unplug()
            manager.wait_event("switched", "vf-gone", times=number + 1)
        hot_plugged.plug()
        hot_plugged.wait_for(Path.VF)
        assert not manager.events_of("damped")
        reasons = [one["reason"] for one in manager.events_of("switched") if one["to"] == "synthetic"]
        assert reasons == ["vf-gone"] * 10


@pytest.mark.newest
def test_s60_unplugged_vf_of_a_guest_that_only_receives_is_announced_while_rtnl_is_held(
    hot_plugged: HotPluggedPair,
) -> None:
    with (
        silent(hot_plugged),
        managers(hot_plugged) as start,
        holding_rtnl("e1000e", HELD_MS) as holder,
        Announced(PEER, hot_plugged.peer_name(), hot_plugged.mac) as announced,
    ):
        manager = start(SYNTHETIC)
        for _ in range(2):
            began = time.monotonic_ns()
            hot_plugged.plug()
            manager.wait_path(Path.VF, Reason.ARMED)
            eventually("it was announced", lambda since=began: bool(announced.since(since)))
            time.sleep(ROUNDS_S)
            with udp_back() as stream:
                go_on(stream)
                hot_plugged.unplug()
                manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
                go_on(stream)
                left_at, held, result = hot_plugged.left_at(), holder.last(), stream.stop()
            assert held is not None and left_at < held.from_ns
            assert left_at < announced.since(left_at)[0] < held.until_ns
            assert result.window(held.from_ns, END_NS).lost == 0


def _errors_are_exported(pair: HotPluggedPair) -> None:
    """Row 53: e1000e throws frames away that are larger than its MTU, and counts them as errors."""
    pair.on_peer("ip", "link", "set", pair.peer_name(), "mtu", "9000")
    pair.on_peer("sh", "-c", f"ping -n -c 3 -i 0.2 -W 1 -M do -s 4000 {ADDRESS} || true")
    pair.on_peer("ip", "link", "set", pair.peer_name(), "mtu", "1500")
    command = [sys.executable, "-P", "-m", "netvsc_bpf.cli.main", "metrics"]
    shown = subprocess.run(command, check=True, text=True, capture_output=True).stdout
    errors = [one for one in shown.splitlines() if one.startswith("netvsc_bpf_vf_errors_total")]
    (line,) = (one for one in errors if 'direction="rx"' in one)
    vf = pair.vf
    assert vf is not None and float(line.split()[-1]) == vf.rx_errors >= 3
