# SPDX-License-Identifier: GPL-2.0-only
"""One hot-plug under a running manager, and when the kernel said and did what.

Registered: when a listener of the measurement's own hears the kernel's RTM_NEWLINK, which it may do late on a
busy machine; so the moment before the host's call is kept as well. Steered: when the kernel armed the pair,
by its own clock.
"""

import socket
import sys
import threading

from bench.managed import Managed, PairStates
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.lab.topology import Lab

_RTMGRP_LINK = 1
_RTM_NEWLINK = 16
_SO_RCVBUFFORCE = 33  # include/uapi/asm-generic/socket.h; Python does not name it
_BUFFER = 64 << 20


class Registrations:
    """When the guest's kernel said that an interface of this name is there: CLOCK_BOOTTIME ns."""

    def __init__(self, lab: Lab) -> None:
        self._socket = lab.in_guest(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        # 256 pairs say more than the default holds.
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self._socket.bind((0, _RTMGRP_LINK))
        self._name, self.at = b"", 0
        threading.Thread(target=self._listen, daemon=True).start()

    def expect(self, name: str) -> None:
        """Forget what was heard and listen for this name."""
        self.at, self._name = 0, name.encode() + b"\0"

    def _listen(self) -> None:
        while True:
            message = self._socket.recv(65536)
            now = CLOCKS.boottime()
            kind = int.from_bytes(message[4:6], sys.byteorder)
            if kind == _RTM_NEWLINK and not self.at and self._name in message:
                self.at = now


class HotPlugs:
    """VFs that are plugged in and taken out one after the other; times in ms, of CLOCK_BOOTTIME."""

    def __init__(self, lab: Lab, manager: Managed, states: PairStates) -> None:
        self.from_registration: list[float] = []
        self.from_call: list[float] = []
        """From before the call that plugs it in: it takes in what the lab needs to lay the cable."""
        self._lab, self._manager, self._states = lab, manager, states
        self._heard = Registrations(lab)

    def plug(self, number: int) -> None:
        """Plug the VF of a pair in, down as hosts give it, and return once it is used."""
        self._heard.expect(self._lab.plan.pair(number).vf)
        begin = CLOCKS.boottime()
        self._lab.plug_vf(number, up=False)
        self._manager.wait("the VF in use", lambda: self._states.is_armed(number), 0.002)
        changed = self._states.changed_at(number)
        self.from_registration.append((changed - self._heard.at) / 1e6)
        self.from_call.append((changed - begin) / 1e6)

    def unplug(self, number: int) -> None:
        """Take it out, and return once the manager has let it go."""
        left = len(self._manager.events_of("left"))
        self._lab.unplug_vf(number)
        self._manager.wait("the VF removed", lambda: len(self._manager.events_of("left")) > left, 0.002)
