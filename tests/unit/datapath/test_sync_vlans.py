# SPDX-License-Identifier: GPL-2.0-only
"""The ids that have to be synced to a VF."""

from netvsc_bpf.datapath.sync_vlans import Half, missing
from netvsc_bpf.kernel.net.vlan_devices import C_TAG, S_TAG, Stacked, Vlan

SYNTHETIC, VF = Half(2, "eth0"), Half(3, "vf0")


def vlan(ifindex: int, on: int, number: int, protocol: int = C_TAG) -> Stacked:
    return Stacked(ifindex, f"vlan{ifindex}", on, Vlan(protocol, number))


def test_ids_that_the_vf_lacks_are_missing() -> None:
    there = [vlan(10, 2, 100), vlan(11, 2, 200), vlan(12, 2, 100, S_TAG), vlan(13, 3, 200)]
    assert missing(SYNTHETIC, VF, there) == [Vlan(C_TAG, 100), Vlan(S_TAG, 100)]


def test_synced_ids_are_not_missing() -> None:
    assert missing(SYNTHETIC, VF, [vlan(10, 2, 100), vlan(11, 3, 100)]) == []
