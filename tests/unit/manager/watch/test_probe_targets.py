# SPDX-License-Identifier: GPL-2.0-only
"""Whom a probe asks, from which device and address."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface

import pytest

from netvsc_bpf.manager.watch.probe_targets import Device, Targets, asking_links, choose
from netvsc_bpf.planner.probe_policy import MOST_TARGETS, ProbePolicy, Target
from tests.unit.kernel.net.stack_shapes import by_ifindex, link

MAC, PEER = bytes.fromhex("00155d010203"), bytes.fromhex("020000000002")


def device(ifindex: int, name: str, *addresses: str, hops: tuple[str, ...] = ()) -> Device:
    own = tuple(map(ip_interface, addresses))
    return Device(ifindex, name, MAC, own, tuple(map(ip_address, hops)), {IPv4Address("10.0.0.1"): PEER})


ETH0 = device(2, "eth0", "10.0.0.5/24", "fe80::5/64", "fd00::5/64", hops=("10.0.0.1", "fe80::1"))
VLAN = device(9, "eth0.5", "10.5.0.5/24", "fe80::5/64", hops=("10.5.0.1",))


def chosen(*targets: str, devices: tuple[Device, ...] = (ETH0, VLAN)) -> Targets:
    return choose(ProbePolicy(enabled=True, targets=targets or None), devices)


def test_by_default_the_next_hops_of_the_default_routes_are_asked_in_vlans_too() -> None:
    assert chosen().names == ("10.0.0.1", "fe80::1", "10.5.0.1%eth0.5")


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("10.0.0.9", ("10.0.0.9",)),
        ("10.5.0.9", ("10.5.0.9%eth0.5",)),
        ("fd00::9", ("fd00::9",)),
        ("fe80::9", ("fe80::9",)),
        ("fe80::9%eth0.5", ("fe80::9%eth0.5",)),
        ("192.0.2.1", ()),
        ("10.0.0.5", ()),  # its own
    ],
)
def test_configured_target_is_asked_on_the_network_that_it_is_on(
    address: str, names: tuple[str, ...]
) -> None:
    assert chosen(address).names == names
    assert chosen(address).unreached == (() if names else (address,))


def test_onlink_gateway_is_on_no_network_and_is_asked() -> None:
    only = device(2, "eth0", "10.0.0.5/32", hops=("10.9.9.1",))
    assert chosen(devices=(only,)).names == ("10.9.9.1",)
    assert chosen("10.9.9.1", devices=(only,)).names == ("10.9.9.1",)


def test_no_more_than_the_limit_are_asked_and_each_once() -> None:
    many = [f"10.0.0.{number}" for number in range(10, 60)]
    assert len(chosen("10.0.0.9", "10.0.0.9", *many).targets) == MOST_TARGETS


def test_the_sender_is_the_address_on_the_network_of_the_target() -> None:
    both = device(2, "eth0", "10.0.0.5/24", "10.1.0.5/24")
    targets = chosen("10.1.0.9", devices=(both,))
    frame = targets.question(targets.targets[0], None)
    assert frame is not None and frame[28:32] == IPv4Address("10.1.0.5").packed


def test_the_sender_of_a_solicitation_is_the_link_local_address() -> None:
    targets = chosen("fd00::9")
    frame = targets.question(targets.targets[0], PEER)
    assert frame is not None and frame[22:38] == IPv6Address("fe80::5").packed


def test_without_an_ipv6_address_there_is_no_question() -> None:
    bare = device(2, "eth0", hops=("fe80::1",))
    targets = chosen(devices=(bare,))
    assert targets.question(targets.targets[0], None) is None


def test_neighbours_that_the_kernel_has_heard_come_with_their_mac() -> None:
    assert chosen().heard == {Target(2, IPv4Address("10.0.0.1")): PEER}


def test_devices_above_a_bridge_do_not_ask_as_another_port_may_lead_to_what_answers() -> None:
    links = by_ifindex(
        link(2, master=9),
        link(3, "vlan", on=2),
        link(4, "macvlan", on=3),
        link(5, "vlan", on=2, up=False),
        link(6, "macvlan", on=2, proto_down=True),
        link(9, "bridge"),
        link(10, "vlan", on=9),
    )
    assert [one.ifindex for one in asking_links(2, links)] == [2, 3, 4]
