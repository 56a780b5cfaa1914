# SPDX-License-Identifier: GPL-2.0-only
"""Reads hv_netvsc's counters of received frames: its own channels', and those of the VFs that it enslaved.

Its rx_handler adds each frame of a VF to counters of the synthetic NIC (netvsc_vf_handle_frame()), which stay
when the VF goes and are reset only with the driver. The totals of the synthetic NIC are the sum of both
(netvsc_get_stats64()). They are read in one answer: totals of an earlier netlink dump, less what VFs received
since, would go backwards under traffic.
"""

import re
import socket
from dataclasses import dataclass

from netvsc_bpf.kernel.net.ethtool_statistics import statistics

DRIVER = "hv_netvsc"
_OF_CHANNEL = re.compile(r"rx_queue_\d+_(packets|bytes)")
_ETHERNET_HEADER = 14
"""Bytes that netvsc_vf_handle_frame() does not count, as eth_type_trans() has pulled them; channels do."""


@dataclass(frozen=True, slots=True)
class Received:
    """Frames and bytes, layer-2 header included unless a name says otherwise, since the driver was loaded.

    What channels received starts again from 0 when the driver makes them anew: for another MTU, another
    number of channels or other ring sizes (netvsc_attach()).
    """

    packets: int
    bytes: int
    vf_packets: int
    vf_bytes_without_header: int

    @property
    def vf_bytes(self) -> int:
        """Return what VFs received, header included."""
        return self.vf_bytes_without_header + _ETHERNET_HEADER * self.vf_packets


def received(ifindex: int) -> Received:
    """Return the counters of a synthetic NIC of hv_netvsc.

    Raises OSError: ENXIO or ENODEV if there is no such interface.
    """
    counted = statistics(socket.if_indextoname(ifindex))  # it may have another name than it had
    sums = {"packets": 0, "bytes": 0}
    for name, number in counted.items():
        if (channel := _OF_CHANNEL.fullmatch(name)) is not None:
            sums[channel[1]] += number
    by_vf = counted.get("vf_rx_packets", 0), counted.get("vf_rx_bytes", 0)
    return Received(sums["packets"], sums["bytes"], *by_vf)
