# SPDX-License-Identifier: GPL-2.0-only
"""Which NICs are synthetic ones, and which may be."""

from dataclasses import replace

import pytest

from netvsc_bpf.discovery.pairing import find_pair, find_synthetics
from netvsc_bpf.model.errors import NotASyntheticNic
from netvsc_bpf.model.nic import Nic
from tests.unit.discovery.shapes import BRIDGE, IGBVF, LOOPBACK, NETVSC, OTHER_MAC, VETH, VF, VIRTIO, stacked

FAILOVER = Nic(3, "eth0", VIRTIO.mac, 1500, True, True, driver="virtio_net", bus="virtio", parent="virtio1")
STANDBY = replace(VIRTIO, name="eth0nsby", master=FAILOVER.ifindex)
FAILOVER_VF = replace(IGBVF, master=FAILOVER.ifindex)


def names(nics: list[Nic]) -> list[str]:
    return [nic.name for nic in nics]


def test_every_netvsc_is_one_with_or_without_a_vf() -> None:
    lonely = replace(NETVSC, ifindex=3, name="eth1", mac=OTHER_MAC)
    assert find_synthetics([LOOPBACK, NETVSC, lonely, VF]) == [NETVSC, lonely]


@pytest.mark.parametrize("driver", ["virtio_net", "vif", "xen_netfront", "vmxnet3"])
def test_other_paravirtual_nics_need_a_vf_with_the_same_mac(driver: str) -> None:
    nic = replace(VIRTIO, driver=driver)
    assert find_synthetics([nic]) == []
    assert find_synthetics([nic, VETH]) == []
    assert find_synthetics([nic, IGBVF]) == [nic]


def test_two_paravirtual_nics_do_not_take_each_other() -> None:
    twin = replace(VIRTIO, ifindex=3, name="eth1")
    assert find_synthetics([VIRTIO, twin]) == []
    assert find_synthetics([VIRTIO, twin], any_bus=True) == [VIRTIO]


def test_any_bus_takes_the_eldest_of_each_group() -> None:
    vf = replace(VETH, ifindex=12, name="veth1")
    lonely = replace(VETH, ifindex=3, name="veth2", mac=OTHER_MAC)
    assert find_synthetics([vf, VETH, lonely], any_bus=True) == [VETH]
    assert find_synthetics([vf, VETH, lonely]) == []


def test_s03_paravirtual_nic_is_the_synthetic_one_even_if_the_vf_came_first() -> None:
    early = replace(VETH, ifindex=1)
    assert find_synthetics([early, VIRTIO], any_bus=True) == [VIRTIO]


def test_any_bus_does_not_count_interfaces_upon_the_nic() -> None:
    assert find_synthetics([VETH, stacked("vlan"), stacked("bridge", 21)], any_bus=True) == []


@pytest.mark.parametrize("any_bus", [False, True])
def test_failover_nic_is_meant_and_not_its_standby(any_bus: bool) -> None:
    assert find_synthetics([STANDBY, FAILOVER, FAILOVER_VF], any_bus=any_bus) == [FAILOVER]


def test_standby_of_net_failover_is_refused_with_the_nic_to_name() -> None:
    with pytest.raises(NotASyntheticNic, match=r"eth0nsby.*name eth0"):
        find_pair([STANDBY, FAILOVER, FAILOVER_VF], "eth0nsby")


def test_loopback_is_refused() -> None:
    with pytest.raises(NotASyntheticNic, match="loopback"):
        find_pair([LOOPBACK], "lo")


@pytest.mark.parametrize("link_type", [32, 772, 65534])
def test_non_ethernet_nic_is_refused(link_type: int) -> None:
    with pytest.raises(NotASyntheticNic):
        find_pair([replace(VIRTIO, link_type=link_type)], "eth0")


@pytest.mark.parametrize("kind", ["vlan", "bridge", "bond", "macvlan"])
def test_stacked_interface_is_refused(kind: str) -> None:
    with pytest.raises(NotASyntheticNic, match=kind):
        find_pair([stacked(kind)], f"{kind}0")


def test_port_of_a_bridge_is_allowed() -> None:
    ported = replace(NETVSC, master=BRIDGE.ifindex)
    assert find_pair([ported, BRIDGE, VF], "eth0").pair.vf == VF


@pytest.mark.parametrize("master", [None, NETVSC.ifindex])
def test_vf_given_as_the_synthetic_nic_is_refused_with_the_nic_to_name(master: int | None) -> None:
    with pytest.raises(NotASyntheticNic, match="it is the VF of eth0; name eth0"):
        find_pair([NETVSC, replace(VF, master=master)], VF.name)
