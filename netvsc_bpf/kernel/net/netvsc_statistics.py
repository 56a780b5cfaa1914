# SPDX-License-Identifier: GPL-2.0-only
"""Reads hv_netvsc's counters of frames received through the VFs that it has enslaved.

Its rx_handler adds each frame of a VF to counters of the synthetic NIC (netvsc_vf_handle_frame()), which stay
when the VF goes and are reset only with the driver. The totals of the synthetic NIC include them
(netvsc_get_stats64()).
"""

from netvsc_bpf.kernel.net.ethtool_statistics import statistics

DRIVER = "hv_netvsc"


def received_by_vfs(interface: str, driver: str | None) -> tuple[int, int]:
    """Return packets and bytes that the driver delivered from VFs; 0 if it is not hv_netvsc.

    Raises OSError: ENODEV if there is no such interface.
    """
    if driver != DRIVER:
        return 0, 0
    counted = statistics(interface)
    return counted.get("vf_rx_packets", 0), counted.get("vf_rx_bytes", 0)
