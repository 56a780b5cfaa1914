# SPDX-License-Identifier: GPL-2.0-only
"""Interfaces and addresses, from messages that were made up."""

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest

from netvsc_bpf.kernel.net.link_info import LinkInfo
from netvsc_bpf.kernel.net.rtnetlink import Message, attribute
from netvsc_bpf.kernel.net.upper_devices import Link, parse_address, parse_link

MAC = bytes.fromhex("00155d010203")


def u32(value: int) -> bytes:
    return struct.pack("=I", value)


def link_message(*more: bytes, kind: int = 1, flags: int = 0x1) -> Message:
    head = struct.pack("=BxHiII", 0, kind, 7, flags, 0)
    return Message(16, head + attribute(3, b"eth0\0") + attribute(1, MAC) + b"".join(more))


def address_message(family: int, raw: bytes, *more: bytes, flags: int = 0, scope: int = 0) -> Message:
    return Message(
        20, struct.pack("=BBBBI", family, 24, flags, scope, 7) + attribute(1, raw) + b"".join(more)
    )


def test_a_plain_link() -> None:
    parsed = parse_link(
        link_message(attribute(33, b"\1"), attribute(56, b"dev\0"), attribute(57, b"vmbus\0"))
    )
    assert parsed == Link(7, "eth0", MAC, up=True, uses_arp=True, carrier=True, parent=("vmbus", "dev"))


def test_link_that_is_switched_off_by_proto_down_and_its_kind() -> None:
    parsed = parse_link(link_message(attribute(39, b"\1"), attribute(18, attribute(1, b"bridge\0"))))
    assert (parsed.proto_down, parsed.info) == (True, LinkInfo("bridge"))
    assert not parse_link(link_message(attribute(39, b"\0"))).proto_down


@pytest.mark.parametrize("kind", [b"vlan\0", b"macvlan\0"])
def test_a_link_upon_another(kind: bytes) -> None:
    stacked = attribute(0x8000 | 18, attribute(1, kind)) + attribute(5, u32(2))
    assert parse_link(link_message(stacked)).on == 2
    elsewhere = attribute(37, u32(0))
    assert parse_link(link_message(stacked, elsewhere)).on is None, "the number is another namespace's"


def test_the_other_end_of_a_veth_is_not_below_it() -> None:
    assert parse_link(link_message(attribute(18, attribute(1, b"veth\0")), attribute(5, u32(2)))).on is None


@pytest.mark.parametrize(
    ("kind", "flags"), [(772, 0x9), (1, 0x81), (65534, 0x1)], ids=["loopback", "noarp", "tun"]
)
def test_devices_without_arp_are_not_announced(kind: int, flags: int) -> None:
    parsed = parse_link(link_message(kind=kind, flags=flags))
    assert (parsed.up, parsed.uses_arp) == (True, False)


@pytest.mark.parametrize("forwarding", [0, 1])
def test_a_router_is_known_by_its_ipv6_forwarding(forwarding: int) -> None:
    conf = attribute(2, struct.pack("=4i", forwarding, 64, 1500, 1))
    assert parse_link(link_message(attribute(26, attribute(10, conf)))).router is bool(forwarding)


def test_addresses() -> None:
    assert parse_address(address_message(2, bytes([10, 0, 0, 1]))) == (7, IPv4Address("10.0.0.1"))
    far_end = address_message(2, bytes([10, 0, 0, 2]), attribute(2, bytes([10, 0, 0, 1])))
    assert parse_address(far_end) == (7, IPv4Address("10.0.0.1"))
    ours = IPv6Address("fd99::1")
    assert parse_address(address_message(10, ours.packed)) == (7, ours)
    assert parse_address(address_message(10, ours.packed, attribute(8, u32(0x80 | 0x200)))) == (7, ours)


@pytest.mark.parametrize("flag", [0x04, 0x08, 0x40], ids=["optimistic", "dadfailed", "tentative"])
def test_tentative_addresses_are_not_announced(flag: int) -> None:
    raw = IPv6Address("fd99::1").packed
    assert parse_address(address_message(10, raw, flags=flag)) is None
    assert parse_address(address_message(10, raw, attribute(8, u32(flag)))) is None


def test_host_scope_addresses_are_not_announced() -> None:
    assert parse_address(address_message(2, bytes([127, 0, 0, 1]), scope=254)) is None
