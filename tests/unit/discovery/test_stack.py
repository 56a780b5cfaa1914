# SPDX-License-Identifier: GPL-2.0-only
"""What is stacked on a NIC."""

from dataclasses import replace

import pytest

from netvsc_bpf.discovery.stack import above, stack, uses_vlans
from netvsc_bpf.model.nic import Nic
from tests.unit.discovery.shapes import VIRTIO

LOWEST = replace(VIRTIO, ifindex=2)
VLAN, ON_VLAN = replace(VIRTIO, ifindex=5, link=2), replace(VIRTIO, ifindex=4, link=5)
OTHER = replace(VIRTIO, ifindex=3, link=9)


def test_devices_on_devices_are_found_in_their_order() -> None:
    assert stack([ON_VLAN, OTHER, VLAN, LOWEST], LOWEST) == [LOWEST, VLAN, ON_VLAN]


def test_veth_ends_that_are_each_others_lower_device_end_the_search() -> None:
    near, far = replace(VIRTIO, ifindex=2, link=7), replace(VIRTIO, ifindex=7, link=2)
    assert stack([near, far], near) == [near, far]


PORT, BOND, BRIDGE = (
    replace(VIRTIO, ifindex=2, master=6),
    replace(VIRTIO, ifindex=6, kind="bond", master=7),
    replace(VIRTIO, ifindex=7, kind="bridge"),
)


def test_masters_and_what_is_on_them_are_above() -> None:
    on_bond = replace(VIRTIO, ifindex=8, link=6)
    assert above([on_bond, OTHER, BRIDGE, BOND, PORT], PORT) == [BOND, on_bond, BRIDGE]
    looping = replace(BRIDGE, master=6)
    assert above([looping, BOND, PORT], PORT) == [BOND, looping]


@pytest.mark.parametrize(
    ("nics", "uses"),
    [
        ([], False),
        ([replace(VLAN, kind="vlan")], True),
        ([replace(VLAN, kind="macvlan")], False),
        ([replace(OTHER, kind="vlan")], False),
        ([BOND, BRIDGE], False),
        ([BOND, BRIDGE, replace(VIRTIO, ifindex=8, link=6, kind="vlan")], True),
        ([BOND, BRIDGE, replace(VIRTIO, ifindex=8, link=7, kind="vlan")], True),
        ([BOND, replace(BRIDGE, vlan_aware=True)], True),
        ([BOND, replace(BRIDGE, kind="openvswitch")], True),
    ],
    ids=["nothing", "vlan", "macvlan", "vlan elsewhere", "bridge", "on bond", "on bridge", "aware", "ovs"],
)
def test_s80_which_devices_above_use_vlans(nics: list[Nic], uses: bool) -> None:
    assert uses_vlans([*nics, PORT], PORT) is uses
