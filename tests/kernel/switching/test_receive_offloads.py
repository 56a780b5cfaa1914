# SPDX-License-Identifier: GPL-2.0-only
"""attach gives the VF the receive offloads of the synthetic NIC, and detach restores them."""

import pytest

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.receive_offload import ReceiveOffload
from tests.kernel.support.attachment import attached
from tests.kernel.support.offloads import ethtool, offload

GRO, GRO_LIST, UDP_GRO = ReceiveOffload.GRO, ReceiveOffload.GRO_LIST, ReceiveOffload.UDP_GRO


def active(lab: Lab, interface: str) -> list[ReceiveOffload]:
    return [one for one in ReceiveOffload if offload(lab, interface, one).active]


@pytest.mark.guest
@pytest.mark.oldest
def test_vf_has_the_offloads_of_the_synthetic_nic_while_it_is_attached(lab: Lab) -> None:
    ethtool(lab, "eth0", gro="on", rx_udp_gro_forwarding="on")
    ethtool(lab, "vf0", gro="off", rx_gro_list="on")
    with attached(lab) as pair:
        pair.wait_used()
        assert active(lab, "vf0") == active(lab, "eth0") == [GRO, UDP_GRO]
    assert active(lab, "vf0") == [GRO_LIST]
    assert active(lab, "eth0") == [GRO, UDP_GRO]


def test_attaching_again_follows_what_changed_and_detach_restores_the_first_values(lab: Lab) -> None:
    ethtool(lab, "eth0", gro="on")
    with attached(lab) as pair:
        assert active(lab, "vf0") == [GRO]
        ethtool(lab, "eth0", gro="off", rx_gro_list="on")
        ethtool(lab, "vf0", rx_udp_gro_forwarding="on")
        pair.attach()
        assert active(lab, "vf0") == [GRO_LIST]
    assert active(lab, "vf0") == [UDP_GRO], "it was on when the second attach found it"


def test_guard_on_veth_gives_the_vf_nothing(lab: Lab) -> None:
    """Older kernels have veth switch GRO on by itself while it runs XDP, as guard is (veth_enable_xdp())."""
    with attached(lab):
        assert not offload(lab, "eth0", GRO).requested
        assert active(lab, "vf0") == []
