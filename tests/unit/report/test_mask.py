# SPDX-License-Identifier: GPL-2.0-only
"""Addresses in a report: all are replaced, the same one by the same, and nothing else is."""

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.report.mask import Mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mac 00:15:5d:01:02:03", "mac 02:00:00:00:00:01"),
        ('"00-15-5D-01-02-03"', '"02:00:00:00:00:01"'),
        ("33:33:ff:01:02:03", "03:00:00:00:00:01"),
        ("enx00155d010203: up", "enx020000000001: up"),
        ("from 10.1.2.3 to 10.1.2.4.", "from 198.18.0.1 to 198.18.0.2."),
        ("10.1.2.3/24, 10.1.2.3:9855", "198.18.0.1/24, 198.18.0.1:9855"),
        ("fd00::77/64", "2001:db8::1/64"),
        ("fe80::215:5dff:fe01:203%eth0", "fe80::1%eth0"),
        ("[fd00::1]:9855", "[2001:db8::1]:9855"),
        ("ff02::1:ff01:203", "ff0e::db8:1"),
        ("::ffff:10.1.2.3", "2001:db8::1"),
        ("80:00:00:48:fe:80:00:00:00:00:00:00:00:11:22:33:44:55:66:77", "02:00:00:00:00:01"),
    ],
)
def test_address_is_replaced_by_one_of_its_kind(text: str, masked: str) -> None:
    assert Mask()(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "7c4b:00:02.0",
        "0000:00:1f.6",
        "2026-11-24T19:22:06.123456Z",
        "2026-11-24 19:22:06+01:00",
        "took 12.3 ms, 1.2.3",
        "6.12.74-2 (6.12.74)",
        "00:00:00:00:00:00 ff:ff:ff:ff:ff:ff 01:80:c2:00:00:0e",
        "127.0.0.1:9855 0.0.0.0 255.255.255.255 224.0.0.251",
        ":: ::1 ff02::1 ff02::2",
        "std::vector",
        "999.1.2.3",
        "00:15:5d:01:02",
        "sha 00155d010203",
        "pair_2/steer",
    ],
)
def test_what_is_no_address_of_a_machine_stays(text: str) -> None:
    assert Mask()(text) == text


def test_same_address_has_the_same_pseudonym_in_every_text_and_spelling() -> None:
    mask = Mask()
    first = mask("00:15:5d:01:02:03 00:15:5d:01:02:04 fd00:0:0::1 10.0.0.1")
    assert mask("10.0.0.1 fd00::1 00-15-5D-01-02-04 00:15:5D:01:02:03") == " ".join(reversed(first.split()))
    assert len(set(first.split())) == 4


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=20))
def test_no_ipv4_address_is_left_and_none_coincide(numbers: list[int]) -> None:
    addresses = [ipaddress.IPv4Address(number) for number in numbers]
    masked = Mask()(" ".join(map(str, addresses))).split()
    pairs = dict(zip(addresses, masked, strict=True))
    assert len(set(pairs.values())) == len(pairs)
    for address, shown in pairs.items():
        kept = (
            address.is_loopback or address.is_unspecified or address.is_multicast or int(address) == 2**32 - 1
        )
        assert (str(address) == shown) or not kept
        assert kept or shown.startswith("198.18.")


@given(st.integers(0, 2**128 - 1), st.binary(min_size=6, max_size=6))
def test_no_ipv6_address_and_no_mac_is_left(number: int, mac: bytes) -> None:
    address = ipaddress.IPv6Address(number)
    masked = Mask()(f'{{"a": "{address}", "m": "{mac.hex(":")}"}}')
    shown = re.findall(r'"[am]": "([^"]*)"', masked)
    assert ipaddress.IPv6Address(shown[0]) and len(shown[1]) == 17
    assert shown[0].startswith(("2001:db8::", "fe80::", "ff0")) or address.is_loopback or not int(address)
