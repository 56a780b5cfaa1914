# SPDX-License-Identifier: GPL-2.0-only
"""What the host and the driver do on their own account, under a managed pair."""

import pytest

from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.manager import managers
from tests.kernel.support.waiting import eventually
from tests.vm.hyperv.host import load_driver, unload_driver
from tests.vm.hyperv.pair import SERIAL, HypervPair, Shape
from tests.vm.sriov import SYNTHETIC, ip
from tests.vm.streams import QUEUED, go_on, lost, lost_by_driver, udp, udp_back

pytestmark = [
    pytest.mark.guest,
    pytest.mark.timeout(600),
    pytest.mark.parametrize("hyperv", [Shape.ENSLAVED], indirect=True),
]


@pytest.mark.every
def test_s103_vf_that_is_associated_after_it_came_is_used_and_follows_an_mtu_that_reopens_the_channel(
    hyperv: HypervPair,
) -> None:
    with managers(hyperv) as start:
        manager = start(SYNTHETIC)
        hyperv.associated = False
        hyperv.plug()
        hyperv.nic.associate(SERIAL)
        manager.wait_path(Path.VF)
        eventually("the host delivers by the VF", lambda: hyperv.nic.datapath == "vf")
        hyperv.ping(count=3)
        with udp() as out, udp_back() as back:
            go_on(out, back)
            ip("link", "set", SYNTHETIC, "mtu", "1400")
            eventually("the VF has it", lambda: hyperv.vf is not None and hyperv.vf.mtu == 1400)
            manager.wait_path(Path.VF)
            go_on(out, back)


@pytest.mark.newest
def test_s103_while_a_host_takes_three_seconds_to_switch_nothing_is_lost_but_by_the_driver(
    hyperv: HypervPair,
) -> None:
    with managers(hyperv) as start:
        manager = start(SYNTHETIC)
        hyperv.plug()
        manager.wait_path(Path.VF)
        hyperv.host.set("switch_ms", 3000)
        before = hyperv.lost_by_driver()
        try:
            with udp() as out:
                go_on(out)
                hyperv.up(False)
                manager.wait_path(Path.SYNTHETIC, Reason.VF_DOWN)
                go_on(out)
                left_at = hyperv.left_at()
                hyperv.up(True)
                manager.wait_path(Path.VF)
                go_on(out)
                result = out.stop()
        finally:
            hyperv.host.set("switch_ms", 0)
        away = (left_at, hyperv.taken_at())
        assert lost(result, left_at, queued=QUEUED) <= lost_by_driver(hyperv, result, before, away)


@pytest.mark.newest
def test_s103_driver_loaded_again_under_traffic_and_nic_taken_away_and_offered_again_are_adopted_again(
    hyperv: HypervPair,
) -> None:
    with managers(hyperv) as start:
        manager = start(SYNTHETIC)
        hyperv.plug()
        manager.wait_path(Path.VF)
        with udp_back() as back:
            go_on(back)
            unload_driver()
            load_driver()
            hyperv.configure()
            manager.wait_path(Path.VF)
            go_on(back)
        released = len(manager.events_of("released"))
        hyperv.take_away()
        manager.wait_event("released", times=released + 1)
        hyperv.offer(SERIAL)
        manager.wait_path(Path.VF)
        hyperv.ping(count=3)
