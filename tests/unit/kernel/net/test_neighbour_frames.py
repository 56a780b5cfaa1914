# SPDX-License-Identifier: GPL-2.0-only
"""Questions to neighbours, byte for byte as the RFCs have them, and which frames are answers."""

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest

from netvsc_bpf.kernel.net.neighbour_frames import Answer, advertised, arp_answer, arp_request, solicitation

MAC, PEER = bytes.fromhex("00155d010203"), bytes.fromhex("020000000002")
TARGET6 = IPv6Address("fd99::12:3456")


def test_arp_request_is_that_of_rfc_826() -> None:
    frame = arp_request(MAC, IPv4Address("10.99.0.1"), IPv4Address("10.99.0.2"), None)
    assert frame.hex(" ") == (
        "ff ff ff ff ff ff 00 15 5d 01 02 03 08 06 "
        "00 01 08 00 06 04 00 01 "
        "00 15 5d 01 02 03 0a 63 00 01 "
        "00 00 00 00 00 00 0a 63 00 02"
    )


def test_arp_request_goes_to_a_neighbour_whose_mac_is_known_alone() -> None:
    assert arp_request(MAC, None, IPv4Address("10.99.0.2"), PEER)[:6] == PEER


def test_arp_request_without_an_address_is_a_probe_of_rfc_5227() -> None:
    assert arp_request(MAC, None, IPv4Address("10.99.0.2"), None)[28:32] == bytes(4)


@pytest.mark.parametrize(
    ("to", "mac", "receiver"),
    [
        (None, bytes.fromhex("3333ff123456"), IPv6Address("ff02::1:ff12:3456")),
        (PEER, PEER, TARGET6),
    ],
)
def test_solicitation_is_that_of_rfc_4861(to: bytes | None, mac: bytes, receiver: IPv6Address) -> None:
    frame = solicitation(MAC, IPv6Address("fe80::1"), TARGET6, to)
    assert (frame[:6], frame[6:12], frame[12:14]) == (mac, MAC, b"\x86\xdd")
    packet, body = frame[14:], frame[54:]
    assert (packet[7], IPv6Address(packet[8:24]), IPv6Address(packet[24:40])) == (
        255,
        IPv6Address("fe80::1"),
        receiver,
    )
    assert (body[0], IPv6Address(body[8:24]), body[24:]) == (135, TARGET6, b"\x01\x01" + MAC)
    whole = packet[8:40] + struct.pack("!II", len(body), 58) + body
    total = sum(struct.unpack(f"!{len(whole) // 2}H", whole))
    assert (total & 0xFFFF) + (total >> 16) in (0xFFFF, 0x1FFFE)


def reply(**other: int) -> bytes:
    fields = {"hardware": 1, "protocol": 0x0800, "mac": 6, "address": 4, "operation": 2} | other
    return struct.pack("!HHBBH", *fields.values()) + PEER + b"\x0a\x63\x00\x02" + MAC + b"\x0a\x63\x00\x01"


def test_arp_reply_is_an_answer() -> None:
    assert arp_answer(reply()) == Answer(IPv4Address("10.99.0.2"), PEER)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        reply()[:20],
        reply(operation=1),
        reply(hardware=6),
        reply(protocol=0x86DD),
        reply(mac=8),
    ],
)
def test_other_arp_is_no_answer(packet: bytes) -> None:
    assert arp_answer(packet) is None


def advertisement(
    flags: int = 0x60, kind: int = 136, code: int = 0, option: bytes = b"\x02\x01" + PEER
) -> bytes:
    return struct.pack("!BBHI", kind, code, 0, flags << 24) + TARGET6.packed + option


def test_solicited_advertisement_is_an_answer_with_or_without_its_mac() -> None:
    assert advertised(advertisement(), 255) == Answer(TARGET6, PEER)
    assert advertised(advertisement(option=b""), 255) == Answer(TARGET6, None)


@pytest.mark.parametrize(
    ("message", "hop_limit"),
    [
        (advertisement(), 64),
        (advertisement(flags=0x20), 255),  # unsolicited: it announces an address, and asks nothing
        (advertisement(kind=135), 255),
        (advertisement(code=1), 255),
        (advertisement()[:20], 255),
        (b"", 255),
    ],
)
def test_other_icmp_is_no_answer(message: bytes, hop_limit: int) -> None:
    assert advertised(message, hop_limit) is None
