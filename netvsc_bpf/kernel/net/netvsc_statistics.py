# SPDX-License-Identifier: GPL-2.0-only
"""What hv_netvsc counts of the VFs that it has enslaved.

Its rx_handler adds each frame of a VF to counters of the synthetic NIC (netvsc_vf_handle_frame()), which stay
when the VF goes and begin anew with the driver alone. The synthetic NIC's own totals contain them
(netvsc_get_stats64()).
"""

from netvsc_bpf.kernel.net.ethtool_statistics import statistics

DRIVER = "hv_netvsc"


def received_by_vfs(interface: str, driver: str | None) -> tuple[int, int]:
    """Return packets and bytes that the driver delivered from VFs; none where it is no hv_netvsc.

    Raises OSError: ENODEV where there is no such interface.
    """
    if driver != DRIVER:
        return 0, 0
    counted = statistics(interface)
    return counted.get("vf_rx_packets", 0), counted.get("vf_rx_bytes", 0)
