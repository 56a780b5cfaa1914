# SPDX-License-Identifier: GPL-2.0-only
"""Which VLANs a NIC has, from messages that were made up, and how ours are named."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.kernel.net.rtnetlink import Message, attribute
from netvsc_bpf.kernel.net.vlan_devices import C_TAG, S_TAG, Stacked, Vlan, ids_on, parse, synced_name


def u32(value: int) -> bytes:
    return struct.pack("=I", value)


def message(kind: bytes, data: bytes = b"", *more: bytes) -> Message:
    head = struct.pack("=BxHiII", 0, 1, 7, 0, 0)
    info = attribute(1, kind + b"\0") + (attribute(2, data) if data else b"")
    return Message(16, head + attribute(3, b"eth0.5\0") + attribute(18, info) + b"".join(more))


def tag(protocol: int, number: int) -> bytes:
    return attribute(1, struct.pack("=H", number)) + attribute(5, struct.pack("!H", protocol))


def vlan(ifindex: int, on: int | None, number: int, protocol: int = C_TAG) -> Stacked:
    return Stacked(ifindex, f"vlan{ifindex}", on, Vlan(protocol, number))


def macvlan(ifindex: int, on: int) -> Stacked:
    return Stacked(ifindex, f"macvlan{ifindex}", on, None)


@pytest.mark.parametrize("protocol", [C_TAG, S_TAG])
def test_a_vlan_device(protocol: int) -> None:
    parsed = parse(message(b"vlan", tag(protocol, 5), attribute(5, u32(2))))
    assert parsed == Stacked(7, "eth0.5", 2, Vlan(protocol, 5))


def test_a_vlan_device_on_something_in_another_namespace() -> None:
    parsed = parse(message(b"vlan", tag(C_TAG, 5), attribute(5, u32(2)), attribute(37, u32(0))))
    assert parsed == Stacked(7, "eth0.5", None, Vlan(C_TAG, 5))


def test_macvlan_and_other_kinds_are_parsed() -> None:
    assert parse(message(b"macvlan", b"", attribute(5, u32(2)))) == Stacked(7, "eth0.5", 2, None)
    assert parse(message(b"veth", b"", attribute(5, u32(2)))) is None


def test_vlans_of_macvlans_count_and_those_of_vlans_do_not() -> None:
    """A macvlan asks the device below for its ids (macvlan_vlan_rx_add_vid()); a VLAN wraps what it gets."""
    everything = [vlan(10, 2, 100), macvlan(11, 2), vlan(12, 11, 200), vlan(13, 10, 300), vlan(14, 3, 400)]
    assert ids_on(2, everything) == {Vlan(C_TAG, 100), Vlan(C_TAG, 200)}


def test_priority_tags_are_no_vlan() -> None:
    assert ids_on(2, [vlan(10, 2, 0)]) == frozenset()


@given(st.integers(1, 9_999_999), st.integers(1, 4094))
def test_name_fits_and_identifies_its_vf(vf: int, number: int) -> None:
    name = synced_name(vf, Vlan(C_TAG, number))
    assert len(name) <= 15  # IFNAMSIZ, with its end
    assert name == f"nvb{vf}.{number}"
    assert synced_name(vf, Vlan(S_TAG, number)) != name
