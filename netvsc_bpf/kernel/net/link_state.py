# SPDX-License-Identifier: GPL-2.0-only
"""Whether an interface is up and has carrier, asked without the RTNL lock.

SIOCGIFFLAGS is answered under RCU (dev_ifsioc_locked(), net/core/dev_ioctl.c), unlike anything of netlink.
"""

import fcntl
import socket
import struct

from netvsc_bpf.model import names

_SIOCGIFFLAGS = 0x8913  # include/uapi/linux/sockios.h
_IFF_UP, _IFF_RUNNING = 0x1, 0x40  # include/uapi/linux/if.h
_IFREQ = struct.Struct("16sH22x")


def is_running(ifindex: int) -> bool:
    """Say whether an interface of this thread's network namespace is up and operational; False if it is gone.

    IFF_RUNNING follows the carrier with linkwatch's delay, so this is later than the carrier itself.
    """
    try:
        name = socket.if_indextoname(ifindex)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as asking:
            answer = fcntl.ioctl(asking, _SIOCGIFFLAGS, _IFREQ.pack(names.encode(name), 0))
    except OSError:
        return False
    _, flags = _IFREQ.unpack(answer)
    return bool(flags & _IFF_UP and flags & _IFF_RUNNING)
