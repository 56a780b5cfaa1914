# SPDX-License-Identifier: GPL-2.0-only
"""Reads how often drivers stopped a full transmit queue, from the generic netlink family "netdev".

It has statistics of queues since Linux 6.9 (NETDEV_CMD_QSTATS_GET), and tx-stop since 6.11, if the driver
counts it: virtio_net does, veth does not. Constants: include/uapi/linux/netdev.h.
"""

import errno
import struct
import sys

from netvsc_bpf.kernel.net.rtnetlink import NETLINK_GENERIC, Message, Rtnetlink, attribute

_GENL = struct.Struct("=BBH")  # struct genlmsghdr
_CTRL, _GETFAMILY = 0x10, 3  # GENL_ID_CTRL, CTRL_CMD_GETFAMILY (include/uapi/linux/genetlink.h)
_FAMILY_ID, _FAMILY_NAME = 1, 2
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
                    self._family = _family(generic)
                answers = generic.dump(self._family, _GENL.pack(_QSTATS_GET, 1, 0))
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
        attributes = answer.attributes(_GENL.size)
        if _TX_STOP in attributes and _IFINDEX in attributes:
            ifindex, stops = attributes[_IFINDEX], attributes[_TX_STOP]  # 4 bytes, and 4 or 8 bytes
            found[int.from_bytes(ifindex, sys.byteorder)] = int.from_bytes(stops, sys.byteorder)
    return found


def _family(generic: Rtnetlink) -> int:
    request = _GENL.pack(_GETFAMILY, 1, 0) + attribute(_FAMILY_NAME, b"netdev\0")
    answer = generic.ask(_CTRL, request)
    return int.from_bytes(answer.attributes(_GENL.size)[_FAMILY_ID], sys.byteorder)
