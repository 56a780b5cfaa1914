# SPDX-License-Identifier: GPL-2.0-only
"""Sends complete frames from an interface, by ifindex, because udev may rename it at any time.

A packet socket sends by dev_queue_xmit() (net/packet/af_packet.c, packet_snd()), so the interface's egress
hooks run as for any other packet, and steer sends the frame on the path in use. This is true as long as
PACKET_QDISC_BYPASS is not set.
"""

import ctypes
import errno
import os
import socket

from netvsc_bpf.kernel.net.packet_address import PacketAddress

_GONE = {errno.ENODEV, errno.ENXIO, errno.ENETDOWN}
_FULL = {errno.ENOBUFS, errno.EAGAIN}


class RawSender:
    """A packet socket of this thread's network namespace that never receives."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.sendto.restype = ctypes.c_ssize_t

    def close(self) -> None:
        """Close the socket; waits for an RCU grace period (packet_release() in net/packet/af_packet.c)."""
        self._socket.close()

    def send(self, ifindex: int, frame: bytes) -> bool:
        """Send a frame; return False if the interface is gone, down, or its queue is full.

        Raises OSError for anything else.
        """
        address = PacketAddress.of(ifindex, int.from_bytes(frame[12:14], "big"))
        sent = self._libc.sendto(
            self._socket.fileno(),
            frame,
            ctypes.c_size_t(len(frame)),
            socket.MSG_DONTWAIT,
            ctypes.byref(address),
            ctypes.sizeof(address),
        )
        if sent >= 0:
            return True
        number = ctypes.get_errno()
        if number in _GONE | _FULL:
            return False
        raise OSError(number, os.strerror(number))
