# SPDX-License-Identifier: GPL-2.0-only
"""VLANs of the synthetic NIC pass the VLAN filter of a VF that has one: igbvf, which cannot do without."""

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.kernel import vlans
from netvsc_bpf.kernel.rtnetlink import Rtnetlink
from netvsc_bpf.manager.attached import everyone
from netvsc_bpf.manager.events import Event, Kind
from netvsc_bpf.manager.vlans import VlanFollower
from netvsc_bpf.model.nic import LENT_VLAN_PREFIX
from netvsc_bpf.model.path import GuardMode, Path
from tests.vm.sriov import SYNTHETIC, SriovPair, ip, nics

pytestmark = [pytest.mark.guest, pytest.mark.timeout(300)]


def add_vlan(pair: SriovPair, number: int) -> str:
    """Make a VLAN on both sides; return the peer's address in it."""
    ip("link", "add", "link", SYNTHETIC, "name", f"{SYNTHETIC}.{number}", "type", "vlan", "id", str(number))
    ip("addr", "add", f"10.{number}.0.1/24", "dev", f"{SYNTHETIC}.{number}")
    ip("link", "set", f"{SYNTHETIC}.{number}", "up")
    there = pair.peer_name()
    pair.on_peer("ip", "link", "add", "link", there, "name", f"v{number}", "type", "vlan", "id", str(number))
    pair.on_peer("ip", "addr", "add", f"10.{number}.0.2/24", "dev", f"v{number}")
    pair.on_peer("ip", "link", "set", f"v{number}", "up")
    return f"10.{number}.0.2"


def lent() -> list[str]:
    return sorted(nic.name for nic in nics() if nic.name.startswith(LENT_VLAN_PREFIX))


def test_s38_vlans_of_the_synthetic_nic_pass_the_filter_of_the_vf(sriov: SriovPair) -> None:
    far = add_vlan(sriov, 100)
    vf = sriov.plug()
    assert vlans.filters_of(vf.name) == {vlans.C_TAG}
    sriov.use()
    try:
        assert lent() == [f"nvb{vf.ifindex}.100"]
        assert [nic.up for nic in nics() if nic.name in lent()] == [False]
        before = sriov.status()
        sriov.ping(far, count=5, wait_s=10)
        after = sriov.status()
        assert (after.path, after.rx.vf.packets >= before.rx.vf.packets + 5) == (Path.VF, True)

        # That it is the filter which decides: without what was lent the frames stay out.
        with Rtnetlink() as rtnl:
            (ours,) = (one for one in vlans.stacked(rtnl) if one.name == f"nvb{vf.ifindex}.100")
            vlans.remove(rtnl, ours.ifindex)
        assert not sriov.ping(far, check=False, wait_s=3)
        sriov.ping()
        sriov.use()
        sriov.ping(far, count=5, wait_s=10)

        datapath.detach(SYNTHETIC)
        assert lent() == []
    finally:
        ip("link", "del", f"{SYNTHETIC}.100")


def test_s38_vlan_that_is_made_later_passes_too(sriov: SriovPair) -> None:
    vf = sriov.plug()
    events: list[Event] = []
    follow = VlanFollower(everyone, events.append)
    sriov.use()
    follow()
    assert (lent(), events) == ([], [])
    far = add_vlan(sriov, 200)
    try:
        follow()
        assert lent() == [f"nvb{vf.ifindex}.200"]
        assert [(event.kind, event.interface) for event in events] == [(Kind.FOLLOWED, SYNTHETIC)]
        VlanFollower(everyone, events.append)()  # another manager: it is all there
        assert len(events) == 1
        sriov.ping(far, count=3, wait_s=10)
        (refusal,) = datapath.attach(SYNTHETIC, AttachOptions(guard=GuardMode.ALL)).refusals
        assert refusal.nic.name == f"{SYNTHETIC}.200"  # that ours has the MAC as well is no news

        sriov.unplug()  # ours goes with the VF
        assert lent() == []
        sriov.wait_for(Path.SYNTHETIC)
        sriov.ping(far, count=3, wait_s=10)
        again = sriov.plug()
        sriov.use()
        assert lent() == [f"nvb{again.ifindex}.200"]
    finally:
        ip("link", "del", f"{SYNTHETIC}.200")
