# SPDX-License-Identifier: GPL-2.0-only
"""Reads the drivers' counters of packets in this thread's network namespace.

From /proc/net/dev, which the kernel prints under RCU only (dev_seq_show() -> dev_get_stats(),
net/core/net-procfs.c). Netlink would wait for the RTNL lock, which a driver can hold for seconds, and
/sys/class/net shows the namespace that it was mounted in. One read serves all pairs and takes microseconds
per device.
"""

import socket
from pathlib import Path

from netvsc_bpf.kernel.process.errnos import is_absent
from netvsc_bpf.model import names

_STATISTICS = Path("/proc/thread-self/net/dev")
_RX_PACKETS, _TX_PACKETS = 1, 9
"""Indexes of columns: eight are about receiving, of these and of the others the first is bytes."""


def transmitted(vfs: set[int]) -> dict[int, int]:
    """Return rtnl_link_stats64.tx_packets of these interfaces, by ifindex; vanished ones are left out."""
    return _counted(vfs, _TX_PACKETS)


def received(vfs: set[int]) -> dict[int, int]:
    """Return rtnl_link_stats64.rx_packets of these interfaces likewise."""
    return _counted(vfs, _RX_PACKETS)


def _counted(vfs: set[int], column: int) -> dict[int, int]:
    counts = by_name(_STATISTICS.read_bytes(), column)
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


def by_name(text: bytes, column: int = _TX_PACKETS) -> dict[str, int]:
    """Parse /proc/net/dev: a column, by default packets transmitted, of each interface. Pure."""
    lines = (line.rpartition(b":") for line in text.split(b"\n")[2:] if line)
    return {names.decode(name.lstrip(b" ")): int(columns.split()[column]) for name, _, columns in lines}
