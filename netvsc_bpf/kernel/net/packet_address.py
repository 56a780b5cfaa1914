# SPDX-License-Identifier: GPL-2.0-only
"""Addresses of packet sockets by ifindex.

Python's own addresses take a name, which must be UTF-8, and which may belong to another interface by now.
"""

import ctypes
import os
import socket


class PacketAddress(ctypes.Structure):
    """struct sockaddr_ll, include/uapi/linux/if_packet.h; `protocol` in network byte order."""

    _fields_ = [
        ("family", ctypes.c_uint16),
        ("protocol", ctypes.c_uint16),
        ("ifindex", ctypes.c_int),
        ("hatype", ctypes.c_uint16),
        ("pkttype", ctypes.c_uint8),
        ("halen", ctypes.c_uint8),
        ("addr", ctypes.c_uint8 * 8),
    ]

    @classmethod
    def of(cls, ifindex: int, protocol: int) -> "PacketAddress":
        """Return the address of an interface and a protocol (ETH_P_*)."""
        return cls(socket.AF_PACKET, socket.htons(protocol), ifindex)


def bind(where: socket.socket, ifindex: int, protocol: int) -> None:
    """Bind a packet socket to an interface. Raises OSError: ENODEV if it is gone."""
    address = PacketAddress.of(ifindex, protocol)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.bind(where.fileno(), ctypes.byref(address), ctypes.sizeof(address)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
