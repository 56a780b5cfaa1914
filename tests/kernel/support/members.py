# SPDX-License-Identifier: GPL-2.0-only
"""Sockets that are members of groups until the end of a block."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from netvsc_bpf.lab.namespace import call_in
from tests.kernel.support.reports import Mode, Report

ANY4, FILTERED4, ANY6 = "239.1.2.3", "232.1.2.3", "ff05::1:1234"
SOURCE4 = "10.99.0.9"
REPORTED = frozenset(
    {
        Report(ANY4, Mode.EXCLUDE),
        Report(FILTERED4, Mode.INCLUDE, (SOURCE4,)),
        Report(ANY6, Mode.EXCLUDE),
    }
)
"""How the members of all three are reported."""
_JOIN_SOURCE_GROUP = 46  # MCAST_JOIN_SOURCE_GROUP with struct group_source_req, include/uapi/linux/in.h


@contextmanager
def members(namespace: str, interface: str) -> Iterator[None]:
    """Be a member of ANY4, of FILTERED4 from SOURCE4 alone, and of ANY6."""
    with call_in(namespace, _join4, interface), call_in(namespace, _join6, interface):
        yield


def _join4(interface: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    request = socket.inet_aton(ANY4) + bytes(4) + struct.pack("=I", socket.if_nametoindex(interface))
    made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
    addresses = (
        struct.pack("=HH4s120x", socket.AF_INET, 0, socket.inet_aton(one)) for one in (FILTERED4, SOURCE4)
    )
    request = struct.pack("=I4x", socket.if_nametoindex(interface)) + b"".join(addresses)
    made.setsockopt(socket.IPPROTO_IP, _JOIN_SOURCE_GROUP, request)
    return made


def _join6(interface: str) -> socket.socket:
    made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    request = socket.inet_pton(socket.AF_INET6, ANY6) + struct.pack("=I", socket.if_nametoindex(interface))
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
    return made


def _sockaddr(address: str) -> bytes:
    """Return a struct sockaddr_storage."""
    return struct.pack("=HH4s120x", socket.AF_INET, 0, socket.inet_aton(address))
