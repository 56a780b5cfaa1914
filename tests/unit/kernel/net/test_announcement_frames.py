# SPDX-License-Identifier: GPL-2.0-only
"""Announcements, byte for byte as the RFCs have them."""

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest

from netvsc_bpf.kernel.net.announcement_frames import Tag, gratuitous_arp, rarp, tagged, unsolicited_na

MAC = bytes.fromhex("00155d010203")


def test_gratuitous_arp_is_an_announcement_of_rfc_5227() -> None:
    assert gratuitous_arp(MAC, IPv4Address("10.99.0.1")).hex(" ") == (
        "ff ff ff ff ff ff 00 15 5d 01 02 03 08 06 "  # to all, from us, ARP
        "00 01 08 00 06 04 00 01 "  # Ethernet, IPv4, 6 and 4 bytes, request
        "00 15 5d 01 02 03 0a 63 00 01 "  # sender
        "00 00 00 00 00 00 0a 63 00 01"  # target: the same address
    )


def test_rarp_requests_its_own_mac_as_qemu_does() -> None:
    assert rarp(MAC).hex(" ") == (
        "ff ff ff ff ff ff 00 15 5d 01 02 03 80 35 "
        "00 01 08 00 06 04 00 03 "  # reverse request
        "00 15 5d 01 02 03 00 00 00 00 "
        "00 15 5d 01 02 03 00 00 00 00"
    )


def test_unsolicited_advertisement_is_that_of_rfc_4861() -> None:
    assert unsolicited_na(MAC, IPv6Address("fd99::1")).hex(" ") == (
        "33 33 00 00 00 01 00 15 5d 01 02 03 86 dd "
        "60 00 00 00 00 20 3a ff "  # 32 bytes of ICMPv6, hop limit 255
        "fd 99 00 00 00 00 00 00 00 00 00 00 00 00 00 01 "
        "ff 02 00 00 00 00 00 00 00 00 00 00 00 00 00 01 "
        "88 00 fc 50 20 00 00 00 "  # override, neither router nor solicited
        "fd 99 00 00 00 00 00 00 00 00 00 00 00 00 00 01 "
        "02 01 00 15 5d 01 02 03"  # target link-layer address
    )


@pytest.mark.parametrize("router", [False, True])
@pytest.mark.parametrize("address", ["fd99::1", "fe80::215:5dff:fe01:203", "2001:db8:ffff:ffff:ffff::"])
def test_checksum_of_an_advertisement_adds_up(address: str, router: bool) -> None:
    packet = unsolicited_na(MAC, IPv6Address(address), router=router)[14:]
    body = packet[40:]
    whole = packet[8:40] + struct.pack("!II", len(body), 58) + body
    total = sum(struct.unpack(f"!{len(whole) // 2}H", whole))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert total == 0xFFFF


def test_router_sets_the_router_flag() -> None:
    assert unsolicited_na(MAC, IPv6Address("fd99::1"), router=True)[58:62] == bytes.fromhex("a0000000")


def test_tag_is_in_front_of_the_ethertype() -> None:
    frame = tagged(rarp(MAC), Tag(0x8100, 7))
    assert frame[:18].hex(" ") == "ff ff ff ff ff ff 00 15 5d 01 02 03 81 00 00 07 80 35"
    assert frame[18:] == rarp(MAC)[14:]
    assert tagged(rarp(MAC), None) == rarp(MAC)
