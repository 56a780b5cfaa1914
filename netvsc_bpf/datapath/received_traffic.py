# SPDX-License-Identifier: GPL-2.0-only
"""What a pair received since it was attached, by path: from home and guard, or from the driver's counters."""

import errno

from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.net import netvsc_statistics
from netvsc_bpf.kernel.net.netvsc_statistics import DRIVER, Received
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import GuardMode
from netvsc_bpf.model.status import PathTraffic, Traffic

_GONE = (errno.ENODEV, errno.ENXIO)


def counters_now(synthetic: Nic) -> abi.Found:
    """Return a record with only the synthetic NIC's own counters, to subtract what it received before.

    Raises OSError if it is gone.
    """
    if synthetic.driver != DRIVER:
        return abi.Found(rx_packets=synthetic.rx_packets, rx_bytes=synthetic.rx_bytes)
    now = netvsc_statistics.received(synthetic.ifindex)
    return abi.Found(
        rx_packets=now.packets + now.vf_packets,
        rx_bytes=now.bytes + now.vf_bytes_without_header,
        driver_vf_rx_packets=now.vf_packets,
        driver_vf_rx_bytes=now.vf_bytes_without_header,
    )


def received_traffic(counted: PathTraffic, found: abi.Found, synthetic: Nic, guard: GuardMode) -> PathTraffic:
    """Return `counted`, which is home's and guard's, with what no program sees.

    hv_netvsc itself delivers what a VF receives that it has enslaved; and without guard no program sees the
    frames that arrive on the synthetic NIC.
    """
    now, before = _now(synthetic), _before(found)
    by_vf = counted.vf + Traffic(
        _since(now.vf_packets, before.vf_packets), _since(now.vf_bytes, before.vf_bytes)
    )
    if guard is not GuardMode.OFF:
        return PathTraffic(vf=by_vf, synthetic=counted.synthetic)
    packets, size = _since(now.packets, before.packets), _since(now.bytes, before.bytes)
    return PathTraffic(vf=by_vf, synthetic=Traffic(packets, size))


def _before(found: abi.Found) -> Received:
    """Return what counters_now() recorded; its totals include what came by VFs."""
    by_vf = found.driver_vf_rx_packets, found.driver_vf_rx_bytes
    return Received(found.rx_packets - by_vf[0], found.rx_bytes - by_vf[1], *by_vf)


def _now(synthetic: Nic) -> Received:
    if synthetic.driver != DRIVER:
        return Received(synthetic.rx_packets, synthetic.rx_bytes, 0, 0)
    try:
        return netvsc_statistics.received(synthetic.ifindex)
    except OSError as error:
        if error.errno not in _GONE:
            raise
        return Received(0, 0, 0, 0)  # gone since the dump, and the pair with it


def _since(now: int, before: int) -> int:
    """Return by how much a counter has grown, or its value if it started again from 0 meanwhile."""
    return now - before if now >= before else now
