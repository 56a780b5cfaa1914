# SPDX-License-Identifier: GPL-2.0-only
"""Reads whether an interface is up and has carrier, without the RTNL lock.

The kernel answers SIOCGIFFLAGS under RCU (dev_ifsioc_locked(), net/core/dev_ioctl.c), unlike netlink.
"""

import fcntl
import socket
import struct

from netvsc_bpf.model import names

_SIOCGIFFLAGS = 0x8913  # include/uapi/linux/sockios.h
_IFF_UP, _IFF_RUNNING = 0x1, 0x40  # include/uapi/linux/if.h
_IFREQ = struct.Struct("16sH22x")


def is_running(ifindex: int) -> bool:
    """Return whether an interface of this thread's network namespace is up and operational; False if gone.

    IFF_RUNNING follows the carrier with the delay of linkwatch, so this changes later than the carrier.
    """
    try:
        name = socket.if_indextoname(ifindex)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as asking:
            answer = fcntl.ioctl(asking, _SIOCGIFFLAGS, _IFREQ.pack(names.encode(name), 0))
    except OSError:
        return False
    _, flags = _IFREQ.unpack(answer)
    return bool(flags & _IFF_UP and flags & _IFF_RUNNING)
