# SPDX-License-Identifier: GPL-2.0-only
"""What a VF took and then dropped, by its own count, even where it does not live to be asked."""

import socket
from typing import Any

from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from netvsc_bpf.lab import wiring
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.wiring import with_rtnl

_RTM_DELLINK = 17
_RTMGRP_LINK = 1
_LARGEST = 65536


class DeviceDrops:
    """IFLA_STATS64 tx_dropped of one NIC of the guest; the kernel sends it with RTM_DELLINK a last time."""

    def __init__(self, lab: Lab, name: str) -> None:
        self._lab = lab
        self._name = name
        self._before = 0
        self._socket = lab.in_guest(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.bind((0, _RTMGRP_LINK))
        self._socket.setblocking(False)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def begin(self) -> None:
        """Begin to count."""
        self._last_words()
        self._before = self._now()

    def since(self) -> int:
        """Return what it dropped since ``begin``, to its end if it is gone."""
        last = self._last_words()
        return (self._now() if last is None else last) - self._before

    def _now(self) -> int:
        def ask(rtnl: Any) -> int:
            (link,) = rtnl.link("get", index=wiring.index_of(rtnl, self._name))
            return int(link.get_attr("IFLA_STATS64")["tx_dropped"])

        return with_rtnl(self._lab.guest, ask)

    def _last_words(self) -> int | None:
        found = None
        while True:
            try:
                message = ifinfmsg(self._socket.recv(_LARGEST))
            except BlockingIOError:
                return found
            message.decode()
            if message["header"]["type"] == _RTM_DELLINK and message.get_attr("IFLA_IFNAME") == self._name:
                found = int(message.get_attr("IFLA_STATS64")["tx_dropped"])
