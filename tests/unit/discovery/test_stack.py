# SPDX-License-Identifier: GPL-2.0-only
"""What is stacked on a NIC."""

from dataclasses import replace

from netvsc_bpf.discovery.stack import stack
from tests.unit.discovery.shapes import VIRTIO

LOWEST = replace(VIRTIO, ifindex=2)
VLAN, ON_VLAN = replace(VIRTIO, ifindex=5, link=2), replace(VIRTIO, ifindex=4, link=5)
OTHER = replace(VIRTIO, ifindex=3, link=9)


def test_devices_on_devices_are_found_in_their_order() -> None:
    assert stack([ON_VLAN, OTHER, VLAN, LOWEST], LOWEST) == [LOWEST, VLAN, ON_VLAN]


def test_veth_ends_that_are_each_others_lower_device_end_the_search() -> None:
    near, far = replace(VIRTIO, ifindex=2, link=7), replace(VIRTIO, ifindex=7, link=2)
    assert stack([near, far], near) == [near, far]
