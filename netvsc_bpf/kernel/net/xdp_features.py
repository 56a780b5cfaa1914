# SPDX-License-Identifier: GPL-2.0-only
"""Reads what a driver's XDP can do: NETDEV_CMD_DEV_GET of the generic netlink family "netdev" (Linux 6.3)."""

import errno
import struct
import sys

from netvsc_bpf.kernel.net import netdev_family
from netvsc_bpf.kernel.net.netdev_family import HEADER
from netvsc_bpf.kernel.net.rtnetlink import NETLINK_GENERIC, Message, Rtnetlink, attribute

_DEV_GET = 1
_IFINDEX, _XDP_FEATURES = 1, 3  # NETDEV_A_DEV_*
_RX_SG = 1 << 5  # NETDEV_XDP_ACT_RX_SG: receives frames in several buffers with XDP
_UNKNOWN = {errno.ENOENT, errno.EOPNOTSUPP, errno.ENODEV}


def receives_fragments(ifindex: int) -> bool:
    """Return whether the driver announces that it passes frames of several buffers to XDP programs.

    False if the device is gone, and before Linux 6.3, where no driver announces anything. Raises OSError.
    """
    try:
        with Rtnetlink(NETLINK_GENERIC) as generic:
            family = netdev_family.number(generic)
            request = HEADER.pack(_DEV_GET, 1, 0) + attribute(_IFINDEX, struct.pack("=I", ifindex))
            return bool(features(generic.ask(family, request)) & _RX_SG)
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise
        return False


def features(answer: Message) -> int:
    """Return the features (enum netdev_xdp_act) in an answer to NETDEV_CMD_DEV_GET. Pure."""
    return int.from_bytes(answer.attributes(HEADER.size).get(_XDP_FEATURES, b""), sys.byteorder)
