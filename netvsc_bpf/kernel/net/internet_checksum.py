# SPDX-License-Identifier: GPL-2.0-only
"""The checksum of IPv4, ICMPv6 and IGMP (RFC 1071). Pure."""

import struct


def internet_checksum(data: bytes) -> int:
    """Return the checksum of an even number of bytes, in which the checksum's own field is zero."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
