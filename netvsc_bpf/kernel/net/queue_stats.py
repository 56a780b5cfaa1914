# SPDX-License-Identifier: GPL-2.0-only
"""Reads how often drivers stopped a full transmit queue, from the generic netlink family "netdev".

It has statistics of queues since Linux 6.9 (NETDEV_CMD_QSTATS_GET), and tx-stop since 6.11, if the driver
counts it: virtio_net does, veth does not. Constants: include/uapi/linux/netdev.h.
"""

import errno
import sys

from netvsc_bpf.kernel.net import netdev_family
from netvsc_bpf.kernel.net.netdev_family import HEADER
from netvsc_bpf.kernel.net.rtnetlink import NETLINK_GENERIC, Message, Rtnetlink

_QSTATS_GET = 12
_IFINDEX, _TX_STOP = 1, 33
_UNSUPPORTED = {errno.ENOENT, errno.EOPNOTSUPP}


class QueueStops:
    """Queries the kernel; if it does not support the query, only once."""

    def __init__(self) -> None:
        self._family: int | None = None
        self._supported = True

    def __call__(self) -> dict[int, int]:
        """Return the stops of this thread's namespace by ifindex, of interfaces whose driver counts them.

        Raises OSError.
        """
        if not self._supported:
            return {}
        try:
            with Rtnetlink(NETLINK_GENERIC) as generic:
                if self._family is None:
                    self._family = netdev_family.number(generic)
                answers = generic.dump(self._family, HEADER.pack(_QSTATS_GET, 1, 0))
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            self._supported = False
            return {}
        return stops_by_ifindex(answers)


def stops_by_ifindex(answers: list[Message]) -> dict[int, int]:
    """Parse the answers to NETDEV_CMD_QSTATS_GET, one per interface. Pure."""
    found = {}
    for answer in answers:
        attributes = answer.attributes(HEADER.size)
        if _TX_STOP in attributes and _IFINDEX in attributes:
            ifindex, stops = attributes[_IFINDEX], attributes[_TX_STOP]  # 4 bytes, and 4 or 8 bytes
            found[int.from_bytes(ifindex, sys.byteorder)] = int.from_bytes(stops, sys.byteorder)
    return found
