# SPDX-License-Identifier: GPL-2.0-only
"""A VF that was fetched is found again, whether its new ifindex was recorded or not."""

from dataclasses import replace

import pytest

from netvsc_bpf.datapath.move_vf import arrived
from netvsc_bpf.kernel.bpf.moved_nic_marks import MovedNic, MovedVf
from netvsc_bpf.kernel.process.namespace_handle import NetnsHandle
from tests.unit.discovery.shapes import IGBVF, MAC, VIRTIO, stacked

SYNTHETIC = VIRTIO
VF = replace(IGBVF, name="vf0", ifindex=9)
NOTED = MovedVf(9, "vf0", MAC, up=True, addr_gen_mode=None, ipv6_disabled=None)
MARK = MovedNic(SYNTHETIC.ifindex, NetnsHandle(2, 2), NetnsHandle(1, 1), "eth0", NOTED)
UNNOTED = replace(MARK, vf=replace(NOTED, ifindex=0))


def test_recorded_vf_is_found_by_its_ifindex_under_any_name() -> None:
    assert arrived(MARK, [SYNTHETIC, replace(VF, name="renamed")]) == replace(VF, name="renamed")
    assert arrived(MARK, [SYNTHETIC]) is None


@pytest.mark.parametrize("name", ["vf0", "vf0_3"])
def test_vf_without_a_recorded_ifindex_is_found_by_mac_and_name(name: str) -> None:
    there = replace(VF, name=name, ifindex=17)
    assert arrived(UNNOTED, [SYNTHETIC, stacked("vlan"), there]) == there


def test_synthetic_nic_and_its_upper_devices_are_not_taken_for_the_vf() -> None:
    assert arrived(UNNOTED, [SYNTHETIC, stacked("vlan")]) is None


def test_strangers_are_not_taken_for_the_vf() -> None:
    other_mac = replace(VF, mac="02:00:00:00:00:99")
    assert arrived(UNNOTED, [SYNTHETIC, other_mac, replace(VF, name="uplink")]) is None


def test_moved_nic_without_a_vf_has_none() -> None:
    assert arrived(replace(MARK, vf=None), [SYNTHETIC, VF]) is None
