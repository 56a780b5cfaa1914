# SPDX-License-Identifier: GPL-2.0-only
"""What one round of announcements consists of."""

from ipaddress import IPv4Address, IPv6Address

from netvsc_bpf.kernel.net.announced_devices import AddressedLink
from netvsc_bpf.kernel.net.announced_stations import Station
from netvsc_bpf.kernel.net.announcement_frames import Tag, gratuitous_arp, rarp, tagged, unsolicited_na
from netvsc_bpf.kernel.net.announcement_round import MOST, Announcement, announcements
from tests.unit.kernel.net.stack_shapes import ETH0, ETH0_MAC, link, mac

FOUR, SIX = IPv4Address("10.99.0.1"), IPv6Address("fd99::1")
VLAN = link(5, "vlan", ETH0_MAC, on=2, router=True)
DEVICES = [AddressedLink(ETH0, (FOUR,), (SIX,)), AddressedLink(VLAN, (), (SIX,))]


def test_s85_no_address_is_claimed_unless_it_is_asked_for() -> None:
    assert announcements(DEVICES, []) == [
        Announcement(2, rarp(ETH0_MAC)),
        Announcement(5, rarp(ETH0_MAC)),
    ]


def test_each_address_is_announced_from_its_device_if_it_is_asked_for() -> None:
    assert announcements(DEVICES, [], addresses=True) == [
        Announcement(2, rarp(ETH0_MAC)),
        Announcement(2, gratuitous_arp(ETH0_MAC, FOUR), claims=True),
        Announcement(2, unsolicited_na(ETH0_MAC, SIX), claims=True),
        Announcement(5, rarp(ETH0_MAC)),
        Announcement(5, unsolicited_na(ETH0_MAC, SIX, router=True), claims=True),
    ]


def test_stations_are_announced_by_rarp_with_their_tag() -> None:
    tag = Tag(0x8100, 7)
    assert announcements([], [Station(2, mac(1)), Station(2, mac(1), tag)]) == [
        Announcement(2, rarp(mac(1)), mac(1)),
        Announcement(2, tagged(rarp(mac(1)), tag), mac(1)),
    ]


def test_a_round_has_an_end_for_each_interface() -> None:
    many = tuple(IPv4Address(0x0A000000 + number) for number in range(1000))
    round_ = announcements([AddressedLink(ETH0, many)], [], addresses=True)
    assert len(round_) == 1 + MOST
    stations = [Station(ifindex, bytes(4) + number.to_bytes(2)) for ifindex in (2, 5) for number in range(9)]
    assert [one.ifindex for one in announcements([], stations, most=3)] == [2] * 3 + [5] * 3
