# SPDX-License-Identifier: GPL-2.0-only
"""Which interfaces receive a query, and which."""

import pytest

from netvsc_bpf.kernel.net.address_lists import Membership
from netvsc_bpf.kernel.net.frame_parts import ALL_NODES_MAC
from netvsc_bpf.kernel.net.membership_query import ALL_HOSTS_MAC, igmp_query, mld_query
from netvsc_bpf.kernel.net.membership_reports import queries
from netvsc_bpf.kernel.net.upper_devices import Link

MAC = bytes.fromhex("00155d010203")
GROUP4, GROUP6 = bytes.fromhex("01005e010203"), bytes.fromhex("3333ff010203")
LLDP = bytes.fromhex("0180c200000e")
BROADCAST = b"\xff" * 6


def link(ifindex: int = 2, *, up: bool = True, master: int | None = None, on: int | None = None) -> Link:
    return Link(ifindex, f"eth{ifindex}", MAC, up, uses_arp=True, carrier=True, on=on, master=master)


def members(*macs: bytes) -> list[Membership]:
    return [Membership(mac, static=False) for mac in macs]


@pytest.mark.parametrize(
    ("macs", "wanted"),
    [
        ((), []),
        ((ALL_HOSTS_MAC, ALL_NODES_MAC, LLDP), []),
        ((ALL_HOSTS_MAC, GROUP4), [igmp_query(ALL_HOSTS_MAC)]),
        ((ALL_NODES_MAC, GROUP6), [mld_query(ALL_NODES_MAC)]),
        ((GROUP4, GROUP6), [igmp_query(ALL_HOSTS_MAC), mld_query(ALL_NODES_MAC)]),
    ],
    ids=["none", "of-every-host", "ipv4", "ipv6", "both"],
)
def test_query_is_of_the_protocols_that_have_members(macs: tuple[bytes, ...], wanted: list[bytes]) -> None:
    assert queries([link()], {2: members(*macs)}) == [(2, query) for query in wanted]


def test_port_receives_both_as_broadcast_whatever_its_list() -> None:
    assert queries([link(master=9)], {}) == [(2, igmp_query(BROADCAST)), (2, mld_query(BROADCAST))]


def test_each_upper_device_receives_its_own() -> None:
    lists = {2: members(GROUP4, GROUP6), 5: members(GROUP6), 6: members(ALL_NODES_MAC)}
    found = queries([link(), link(5, on=2), link(6, on=2)], lists)
    assert found == [
        (2, igmp_query(ALL_HOSTS_MAC)),
        (2, mld_query(ALL_NODES_MAC)),
        (5, mld_query(ALL_NODES_MAC)),
    ]


def test_interface_that_is_down_receives_none() -> None:
    assert queries([link(up=False, master=9)], {2: members(GROUP4)}) == []
