# SPDX-License-Identifier: GPL-2.0-only
"""The checksum of IPv4, ICMPv6 and IGMP (RFC 1071). Pure."""

import struct


def internet_checksum(data: bytes) -> int:
    """Return the checksum of an even number of bytes, in which the checksum's own field is zero."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def with_checksum(data: bytes, at: int, pseudo_header: bytes = b"") -> bytes:
    """Return data with its checksum at an offset in bytes; `pseudo_header` is only summed up."""
    return data[:at] + struct.pack("!H", internet_checksum(pseudo_header + data)) + data[at + 2 :]
