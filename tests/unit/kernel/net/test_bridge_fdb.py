# SPDX-License-Identifier: GPL-2.0-only
"""Forwarding tables of bridges and VLANs of their ports, from messages that were made up."""

import struct

import pytest

from netvsc_bpf.kernel.net.bridge_fdb import FdbEntry, parse_entry, parse_vlans
from netvsc_bpf.kernel.net.rtnetlink import Message, attribute

MAC = bytes.fromhex("02000000000c")
REACHABLE, STALE, NOARP, PERMANENT = 0x02, 0x04, 0x40, 0x80


def message(state: int, *more: bytes, mac: bytes = MAC, master: int | None = 9) -> Message:
    head = struct.pack("=BBHiHBB", 7, 0, 0, 5, state, 0, 0)
    of = b"" if master is None else attribute(9, struct.pack("=I", master))
    return Message(28, head + attribute(2, mac) + of + b"".join(more))


@pytest.mark.parametrize(
    ("state", "station"),
    [(REACHABLE, True), (NOARP, True), (STALE, False), (PERMANENT, False)],
    ids=["learned", "static", "expired", "own"],
)
def test_stations_are_learned_or_configured(state: int, station: bool) -> None:
    assert parse_entry(message(state), 9) == FdbEntry(MAC, 5, 0, station)


def test_station_is_in_a_vlan() -> None:
    assert parse_entry(message(REACHABLE, attribute(5, struct.pack("=H", 7))), 9) == FdbEntry(MAC, 5, 7, True)


def test_station_that_has_not_authenticated_is_none() -> None:
    locked = message(REACHABLE, attribute(15, struct.pack("=I", 1 << 1)))
    assert parse_entry(locked, 9) == FdbEntry(MAC, 5, 0, False)


def test_address_lists_groups_and_other_bridges_are_left_out() -> None:
    assert parse_entry(message(PERMANENT, master=None), 9) is None
    assert parse_entry(message(REACHABLE, master=8), 9) is None
    assert parse_entry(message(REACHABLE, mac=bytes.fromhex("333300000001")), 9) is None


def vlans(ifindex: int, *entries: bytes) -> Message:
    return Message(112, struct.pack("=BBHI", 7, 0, 0, ifindex) + b"".join(entries))


def vlan(flags: int, vid: int, last: int | None = None) -> bytes:
    until = b"" if last is None else attribute(2, struct.pack("=H", last))
    return attribute(0x8000 | 1, attribute(1, struct.pack("=HH", flags, vid)) + until)


def test_vlans_of_a_port_and_whether_they_are_tagged() -> None:
    pvid_untagged = 1 << 1 | 1 << 2
    found = parse_vlans(vlans(5, vlan(pvid_untagged, 1), vlan(0, 7), vlan(0, 10, 12)), 5)
    assert found == {1: False, 7: True, 10: True, 11: True, 12: True}
    assert parse_vlans(vlans(6, vlan(0, 7)), 5) == {}
