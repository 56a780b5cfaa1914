# SPDX-License-Identifier: GPL-2.0-only
"""What the drivers of this thread's network namespace say they have transmitted.

From /proc/net/dev, which the kernel prints under RCU alone (dev_seq_show() -> dev_get_stats(),
net/core/net-procfs.c). Netlink would wait for the RTNL lock, which a driver that hangs holds, and
/sys/class/net is that of whoever mounted it. One read serves all pairs; it costs microseconds a device.
"""

import socket
from pathlib import Path

from netvsc_bpf.kernel.process.errnos import is_absent
from netvsc_bpf.model import names

_STATISTICS = Path("/proc/thread-self/net/dev")
_TX_PACKETS = 9
"""Eight columns of what was received come first, and the bytes transmitted."""


def transmitted(vfs: set[int]) -> dict[int, int]:
    """Return rtnl_link_stats64.tx_packets of these interfaces (by ifindex); who vanished is left out."""
    counts = by_name(_STATISTICS.read_bytes())
    found = {}
    for ifindex in vfs:
        try:
            name = socket.if_indextoname(ifindex)  # SIOCGIFNAME takes no lock either
        except OSError as error:
            if not is_absent(error):
                raise
            continue
        if name in counts:  # it may have been renamed in between
            found[ifindex] = counts[name]
    return found


def by_name(text: bytes) -> dict[str, int]:
    """Take /proc/net/dev apart: packets transmitted by each interface. Pure."""
    lines = (line.rpartition(b":") for line in text.split(b"\n")[2:] if line)
    return {names.decode(name.lstrip(b" ")): int(columns.split()[_TX_PACKETS]) for name, _, columns in lines}
