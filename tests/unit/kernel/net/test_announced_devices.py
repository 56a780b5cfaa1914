# SPDX-License-Identifier: GPL-2.0-only
"""Which MACs are announced: those that send by the NIC, and no others."""

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest

from netvsc_bpf.kernel.net.announced_devices import (
    AddressedLink,
    Addresses,
    BridgePort,
    announced_devices,
    stack_of,
)
from netvsc_bpf.kernel.net.upper_devices import Link
from tests.unit.kernel.net.stack_shapes import ETH0, ETH0_MAC, by_ifindex, link

FOUR, SIX, LINK_LOCAL = IPv4Address("10.0.0.1"), IPv6Address("fd99::1"), IPv6Address("fe80::1")
BRIDGED = link(2, address=ETH0_MAC, master=9)


def announced(addresses: Addresses, *links: Link) -> list[int]:
    """The interfaces (ifindexes) above interface 2 whose MAC is announced."""
    stack = stack_of(2, by_ifindex(*links))
    return [one.link.ifindex for one in announced_devices(stack, addresses)]


def test_the_nic_is_announced_even_without_addresses_or_arp() -> None:
    assert announced({}, ETH0) == [2]
    assert announced({}, link(2, uses_arp=False)) == [2]


@pytest.mark.parametrize(
    "state",
    [{"up": False}, {"proto_down": True}, {"info": {"standby": True}}],
    ids=["down", "proto-down", "standby-port"],
)
def test_nothing_is_announced_by_a_nic_that_sends_nothing(state: dict[str, Any]) -> None:
    links = link(2, master=9, **state), link(3, "macvlan", on=2), link(9, "bridge")
    assert announced({3: [FOUR], 9: [FOUR]}, *links) == []
    assert stack_of(2, by_ifindex(*links)).bridge_ports == ()
    assert announced({}, ETH0) and stack_of(7, by_ifindex(ETH0)).devices == ()


@pytest.mark.parametrize(
    ("addresses", "state", "is_announced"),
    [
        ([FOUR], {}, True),
        ([LINK_LOCAL, SIX], {}, True),
        ([], {}, False),
        ([LINK_LOCAL], {}, False),
        ([FOUR], {"proto_down": True}, False),
        ([FOUR], {"up": False}, False),
        ([FOUR], {"uses_arp": False}, False),
    ],
    ids=["ipv4", "ipv6", "keepalived-backup", "link-local-only", "frr-backup", "down", "noarp"],
)
def test_s84_macvlan_is_announced_if_it_has_an_address_and_is_not_switched_off(
    addresses: list[IPv4Address | IPv6Address], state: dict[str, Any], is_announced: bool
) -> None:
    assert (3 in announced({3: addresses}, ETH0, link(3, "macvlan", on=2, **state))) is is_announced


def test_the_own_mac_is_announced_in_each_vlan_and_another_one_where_it_has_an_address() -> None:
    vlans = link(5, "vlan", ETH0_MAC, on=2), link(6, "vlan", on=2), link(7, "vlan", on=2)
    assert announced({7: [SIX]}, ETH0, *vlans) == [2, 5, 7]
    assert announced({}, ETH0, link(5, "vlan", ETH0_MAC, on=2, proto_down=True)) == [2]


def test_upper_devices_of_an_interface_that_is_down_are_not_announced() -> None:
    vlan, inner = link(5, "vlan", ETH0_MAC, on=2, up=False), link(6, "macvlan", on=5)
    assert announced({6: [FOUR]}, ETH0, vlan, inner) == [2]


def test_bridge_is_announced_if_it_has_addresses_and_what_is_on_it() -> None:
    bridge, vlan = link(9, "bridge"), link(10, "vlan", on=9)
    assert announced({9: [FOUR]}, BRIDGED, bridge, vlan) == [2, 9]
    assert announced({10: [FOUR]}, BRIDGED, bridge, vlan) == [2, 10]
    assert announced({}, BRIDGED, bridge, vlan) == [2]
    assert announced({10: [FOUR]}, ETH0, bridge, vlan) == [2], "the NIC is no port of it"


def test_mac_is_announced_once_in_each_segment() -> None:
    bridge = link(9, "bridge", ETH0_MAC)
    assert announced({9: [FOUR]}, BRIDGED, bridge) == [2]
    filtering = link(9, "bridge", ETH0_MAC, info={"vlan_protocol": 0x8100})
    assert announced({9: [FOUR]}, BRIDGED, filtering) == [2, 9]


def test_bridges_and_their_ports_are_found_on_vlans_too() -> None:
    vlan, bridge = link(5, "vlan", ETH0_MAC, on=2, master=9), link(9, "bridge")
    assert stack_of(2, by_ifindex(ETH0, vlan, bridge)).bridge_ports == (BridgePort(bridge, vlan),)
    down = link(9, "bridge", up=False)
    assert stack_of(2, by_ifindex(ETH0, vlan, down)).bridge_ports == ()
    blocked = link(5, "vlan", ETH0_MAC, on=2, master=9, info={"standby": True})
    assert stack_of(2, by_ifindex(ETH0, blocked, bridge)).bridge_ports == ()


@pytest.mark.parametrize(
    ("kind", "active", "found"),
    [("bond", 2, [2, 10]), ("bond", 3, [2]), ("bond", None, [2]), ("team", 2, [2])],
    ids=["active", "other-active", "other-mode", "team"],
)
def test_what_is_on_a_bond_is_announced_while_the_bond_uses_the_nic(
    kind: str, active: int | None, found: list[int]
) -> None:
    bond = link(9, kind, ETH0_MAC, info={"active_port": active})
    vlan = link(10, "vlan", ETH0_MAC, on=9)
    assert announced({9: [FOUR]}, link(2, address=ETH0_MAC, master=9), bond, vlan) == found


def test_addresses_come_with_their_device() -> None:
    vlan = link(5, "vlan", ETH0_MAC, on=2)
    devices = announced_devices(stack_of(2, by_ifindex(ETH0, vlan)), {2: [SIX, FOUR], 5: [LINK_LOCAL]})
    assert devices == [AddressedLink(ETH0, (FOUR,), (SIX,)), AddressedLink(vlan, (), (LINK_LOCAL,))]


def test_interfaces_in_a_ring_are_visited_once() -> None:
    ring = link(2, on=3), link(3, "macvlan", on=2)
    assert announced({3: [FOUR]}, *ring) == [2, 3]
