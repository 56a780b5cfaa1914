# SPDX-License-Identifier: GPL-2.0-only
"""Queries, byte for byte as the RFCs have them."""

import socket
import struct
from collections.abc import Callable

import pytest

from netvsc_bpf.kernel.net.frame_parts import ALL_NODES_MAC
from netvsc_bpf.kernel.net.internet_checksum import internet_checksum
from netvsc_bpf.kernel.net.membership_query import ALL_HOSTS_MAC, igmp_query, mld_query

IP = 14
IGMP = 14 + 24
MLD = 14 + 40 + 8


def test_igmp_query_is_a_general_one_of_version_3() -> None:
    assert igmp_query(ALL_HOSTS_MAC).hex(" ") == (
        "01 00 5e 00 00 01 02 6e 76 71 72 79 08 00 "
        "46 c0 00 24 00 00 00 00 01 02 44 13 "  # header of 24 bytes, IGMP's TOS, 36 bytes, TTL 1
        "00 00 00 00 e0 00 00 01 94 04 00 00 "  # from nowhere to all hosts, router alert
        "11 01 ee 81 00 00 00 00 00 7d 00 00"  # 0.1 s, no group, the host's own robustness, 125 s, no sources
    )


def test_mld_query_is_a_general_one_of_version_2() -> None:
    assert mld_query(ALL_NODES_MAC).hex(" ") == (
        "33 33 00 00 00 01 02 6e 76 71 72 79 86 dd "
        "60 00 00 00 00 24 00 01 "  # 36 bytes, hop-by-hop options, hop limit 1
        "fe 80 00 00 00 00 00 00 ff ff ff ff ff ff ff ff "  # the highest link-local address
        "ff 02 00 00 00 00 00 00 00 00 00 00 00 00 00 01 "  # all nodes
        "3a 00 05 02 00 00 01 00 "  # router alert for MLD
        f"82 00 {mld_checksum()} 00 01 00 00 "  # 1 ms
        "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "  # no group
        "00 7d 00 00"  # robustness unchanged, 125 s, no sources
    )


def mld_checksum() -> str:
    """Of the addresses, the length, the protocol and the message, summed up by hand."""
    total = 0xFE80 + 4 * 0xFFFF + 0xFF02 + 1 + 28 + 58 + 0x8200 + 1 + 125
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (total ^ 0xFFFF).to_bytes(2, "big").hex(" ")


@pytest.mark.parametrize("build", [igmp_query, mld_query])
def test_query_goes_to_the_mac_that_is_wanted(build: Callable[[bytes], bytes]) -> None:
    assert build(b"\xff" * 6) == b"\xff" * 6 + build(ALL_HOSTS_MAC)[6:]


def test_checksums_are_right() -> None:
    """A receiver sums up everything, with the checksum, to 0xffff."""
    igmp, mld = igmp_query(ALL_HOSTS_MAC), mld_query(ALL_NODES_MAC)
    pseudo = mld[14 + 8 : 14 + 40] + struct.pack("!II", len(mld) - MLD, socket.IPPROTO_ICMPV6)
    assert internet_checksum(igmp[IP:IGMP]) == 0
    assert internet_checksum(igmp[IGMP:]) == 0
    assert internet_checksum(pseudo + mld[MLD:]) == 0
