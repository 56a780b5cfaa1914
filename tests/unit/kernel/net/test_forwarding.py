# SPDX-License-Identifier: GPL-2.0-only
"""When packets may be forwarded, by the interfaces above one."""

import socket
import struct

import pytest

from netvsc_bpf.kernel.net.forwarding import Forwarder, forwards_among, parse
from netvsc_bpf.kernel.net.rtnetlink import Message, attribute

ETH0 = Forwarder(2, "")


def u32(*values: int) -> bytes:
    return struct.pack(f"={len(values)}I", *values)


def message(*more: bytes) -> Message:
    return Message(16, struct.pack("=BxHiII", 0, 1, 7, 1, 0) + attribute(3, b"eth0\0") + b"".join(more))


def conf(family: int, attribute_of_family: int, *values: int) -> bytes:
    return attribute(0x8000 | 26, attribute(0x8000 | family, attribute(attribute_of_family, u32(*values))))


@pytest.mark.parametrize(
    ("above", "expected"),
    [
        ([], False),
        ([Forwarder(2, "", forwarding=True)], True),
        ([Forwarder(3, "vlan", lower=2, forwarding=True)], True),
        ([Forwarder(3, "vlan", lower=2), Forwarder(4, "macvlan", lower=3, forwarding=True)], True),
        ([Forwarder(3, "vlan", lower=9, forwarding=True)], False),
        ([Forwarder(2, "", master=3), Forwarder(3, "bridge")], True),
        ([Forwarder(2, "", master=3), Forwarder(3, "openvswitch")], True),
        ([Forwarder(2, "", master=3), Forwarder(3, "bond")], False),
        ([Forwarder(2, "", master=3), Forwarder(3, "bond", forwarding=True)], True),
        ([Forwarder(3, "", forwarding=True)], False),
    ],
)
def test_forwards_if_it_or_an_upper_device_does_or_is_in_a_switch(
    above: list[Forwarder], expected: bool
) -> None:
    assert forwards_among(2, [ETH0, *above]) is expected


def test_interface_that_is_gone_does_not_forward() -> None:
    assert not forwards_among(5, [ETH0])


def test_macvlan_above_itself_ends() -> None:
    """Nothing may hang, whatever the kernel answers."""
    assert not forwards_among(2, [Forwarder(2, "macvlan", lower=2)])


@pytest.mark.parametrize(("family", "inner"), [(socket.AF_INET, 1), (socket.AF_INET6, 2)])
@pytest.mark.parametrize("on", [False, True])
def test_forwarding_of_either_family_is_read(family: int, inner: int, on: bool) -> None:
    assert parse(message(conf(family, inner, on, 1, 1))).forwarding is on


def test_plain_and_stacked_interfaces() -> None:
    assert parse(message()) == Forwarder(7, "")
    veth = attribute(0x8000 | 18, attribute(1, b"veth\0")), attribute(5, u32(2)), attribute(10, u32(4))
    assert parse(message(*veth)) == Forwarder(7, "veth", master=4), "its link is its peer"
    vlan = attribute(0x8000 | 18, attribute(1, b"vlan\0")), attribute(5, u32(2))
    assert parse(message(*vlan)).lower == 2
    assert parse(message(*vlan, attribute(37, u32(0)))).lower is None, "that is in another namespace"
