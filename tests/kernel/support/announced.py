# SPDX-License-Identifier: GPL-2.0-only
"""When announcements arrive, by the kernel's timestamps."""

import socket
import struct
import time

from netvsc_bpf.kernel.net.frame_parts import ETH_P_RARP
from tests.kernel.support.frames import Listener

_SO_TIMESTAMPNS = 35  # include/uapi/asm-generic/socket.h
_TIMESPEC = struct.Struct("=qq")
_NS = 1_000_000_000
_FRAME = 64


class Announced(Listener):
    """RARP frames from a MAC that an interface has received, from ``with`` on."""

    def __init__(self, namespace: str, interface: str, mac: str) -> None:
        super().__init__(namespace, interface)
        self._mac = bytes.fromhex(mac.replace(":", ""))
        self._arrived_ns: list[int] = []

    def since(self, moment_ns: int) -> list[int]:
        """Return when they arrived that did so since then; CLOCK_MONOTONIC, ns."""
        # A clock that is corrected meanwhile is corrected slowly.
        apart = time.time_ns() - time.monotonic_ns()
        while True:
            try:
                frame, ancillary, _, _ = self._socket.recvmsg(_FRAME, 64)
            except BlockingIOError:
                return [at for at in self._arrived_ns if at >= moment_ns]
            if frame[6:12] == self._mac:
                seconds, ns = _TIMESPEC.unpack(ancillary[0][2])
                self._arrived_ns.append(seconds * _NS + ns - apart)

    def _open(self, interface: str) -> socket.socket:
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        made.bind((interface, ETH_P_RARP))
        return made
