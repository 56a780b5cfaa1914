# SPDX-License-Identifier: GPL-2.0-only
"""VLANs of the synthetic NIC pass the VLAN filter of a VF that has one: igbvf, which cannot do without."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.kernel.net import address_lists, vlan_devices
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.model.nic import SYNCED_VLAN_PREFIX, Nic
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.manager import managers
from tests.kernel.support.waiting import eventually
from tests.vm.sriov import ADDRESS, SYNTHETIC, SriovPair, ip, nics

pytestmark = [pytest.mark.guest, pytest.mark.timeout(600)]
GROUP, GROUP_MAC = "239.1.2.3", bytes.fromhex("01005e010203")


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


@contextmanager
def joined() -> Iterator[None]:
    """Be a member of GROUP on the synthetic NIC."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        request = socket.inet_aton(GROUP) + socket.inet_aton(ADDRESS)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
        yield


def listens(vf: Nic) -> bool:
    """Whether the VF listens to GROUP."""
    lists = address_lists.multicast_lists([vf.ifindex])
    return GROUP_MAC in (one.mac for one in lists.get(vf.ifindex, []))


def synced() -> list[str]:
    return sorted(nic.name for nic in nics() if nic.name.startswith(SYNCED_VLAN_PREFIX))


@pytest.mark.parametrize(
    "any_pair",
    [
        pytest.param("virtio_net", marks=pytest.mark.oldest),
        pytest.param("hv_netvsc-enslaved", marks=pytest.mark.every),
    ],
    indirect=True,
)
def test_s104_s37_s38_vlans_of_the_synthetic_nic_pass_the_filter_of_the_vf(any_pair: SriovPair) -> None:
    far = add_vlan(any_pair, 100)
    vf = any_pair.plug()
    assert vlan_devices.filters_of(vf.name) == {vlan_devices.C_TAG}
    any_pair.use()
    try:
        assert synced() == [f"nvb{vf.ifindex}.100"]
        assert [nic.up for nic in nics() if nic.name in synced()] == [False]
        (refusal,) = datapath.attach(SYNTHETIC, any_pair.options()).refusals
        assert refusal.nic.name == f"{SYNTHETIC}.100"  # that ours has the MAC as well is no news
        before = any_pair.status()
        any_pair.ping(far, count=5, wait_s=10)
        after = any_pair.status()
        assert (after.path, after.rx.vf.packets >= before.rx.vf.packets + 5) == (Path.VF, True)

        # The filter is what matters: without the synced id the frames are dropped.
        with Rtnetlink() as rtnl:
            (ours,) = (one for one in vlan_devices.stacked(rtnl) if one.name == f"nvb{vf.ifindex}.100")
            vlan_devices.remove(rtnl, ours.ifindex)
        assert not any_pair.ping(far, check=False, wait_s=3)
        any_pair.ping()
        any_pair.use()
        any_pair.ping(far, count=5, wait_s=10)

        datapath.detach(SYNTHETIC)
        assert synced() == []
    finally:
        ip("link", "del", f"{SYNTHETIC}.100")


def test_s38_vlan_and_s33_group_that_come_later_reach_the_vf_and_s34_the_next_one(
    any_pair: SriovPair,
) -> None:
    with managers(any_pair) as start, ExitStack() as cleaning:
        manager = start(SYNTHETIC)
        vf = any_pair.plug()
        manager.wait_path(Path.VF)
        assert synced() == []
        far = add_vlan(any_pair, 200)
        cleaning.callback(ip, "link", "del", f"{SYNTHETIC}.200")
        cleaning.enter_context(joined())
        eventually("the VF lets the VLAN in", lambda: synced() == [f"nvb{vf.ifindex}.200"])
        manager.wait_path(Path.VF)
        any_pair.ping(far, count=3, wait_s=10)
        eventually("the VF listens to the group", lambda: listens(vf))

        any_pair.unplug()  # ours goes with the VF
        assert synced() == []
        manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
        any_pair.ping(far, count=3, wait_s=10)
        again = any_pair.plug()
        manager.wait_path(Path.VF)
        assert synced() == [f"nvb{again.ifindex}.200"]
        any_pair.ping(far, count=3, wait_s=10)
        # hv_netvsc gives a group to its first VF alone.
        eventually("so does the next VF", lambda: listens(again))
        if any_pair.ingress_follows_carrier:  # else it was taken in again, to be redirected
            assert [event["text"] for event in manager.events_of("followed", "VLAN")] == [
                f"{vf.name} accepts VLAN 200"
            ]
