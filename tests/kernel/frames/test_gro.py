# SPDX-License-Identifier: GPL-2.0-only
"""What the VF receives is merged or not as `ethtool -K` says of the synthetic NIC."""

import pytest

from netvsc_bpf.lab.directions import Direction, tcp_plan
from netvsc_bpf.lab.tcp import TcpStream
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import GuardMode
from tests.kernel.support.attachment import attached
from tests.kernel.support.frames import Tap
from tests.kernel.support.offloads import ethtool
from tests.kernel.support.waiting import eventually

LARGEST = 1500 + 14
"""A frame that was not merged, in bytes."""


@pytest.mark.parametrize("gro", ["on", "off"])
def test_gro_of_the_synthetic_nic_decides_what_arrives_by_the_vf(lab: Lab, gro: str) -> None:
    lab.run(lab.peer, ["ethtool", "-K", "eth0", "tso", "off", "gso", "off"])
    # veth merges only what its peer sends without TSO (veth_skb_is_eligible_for_gro()).
    lab.run(lab.fabric, ["ethtool", "-K", lab.plan.pair(0).vf_port, "tso", "off"])
    ethtool(lab, "eth0", gro=gro)
    ethtool(lab, "vf0", gro="off" if gro == "on" else "on")
    with attached(lab, guard=GuardMode.OFF) as pair:  # older kernels have veth merge while it runs XDP
        pair.wait_used()
        with Tap(lab.guest, "eth0", snap=64) as synthetic, TcpStream(tcp_plan(lab, Direction.RX)) as stream:
            eventually("10 MB", lambda: stream.received > 10_000_000)
            assert stream.stop().intact
            sizes = [frame.length for frame in synthetic.seen() if not frame.outgoing]
        assert pair.status().rx.vf.packets > 100
    assert (max(sizes) > LARGEST) is (gro == "on")
