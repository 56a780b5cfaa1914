# SPDX-License-Identifier: GPL-2.0-only
"""The manager keeps the receive offloads of the VF as the synthetic NIC requires."""

from collections.abc import Callable

from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.receive_offload import ReceiveOffload
from tests.kernel.support.manager import Manager, ip
from tests.kernel.support.offloads import ethtool, offload
from tests.kernel.support.waiting import eventually

LabFactory = Callable[..., Lab]
Start = Callable[..., Manager]
GRO, GRO_LIST, UDP_GRO = ReceiveOffload.GRO, ReceiveOffload.GRO_LIST, ReceiveOffload.UDP_GRO
RARELY = ("--interval", "3600")
"""Nothing is noticed by the periodic check, so what is noticed was reported by the kernel."""


def becomes(lab: Lab, which: ReceiveOffload, on: bool) -> None:
    eventually(f"{which} of vf0 is {on}", lambda: offload(lab, "vf0", which).active is on)


def test_change_on_the_synthetic_nic_reaches_the_vf_at_once_and_ends_with_the_pair(
    lab: Lab, start: Start
) -> None:
    ethtool(lab, "eth0", gro="on")
    manager = start(lab, "eth0", *RARELY)
    manager.wait_vf()
    assert offload(lab, "vf0", GRO).active, "since it joined"
    ethtool(lab, "eth0", rx_udp_gro_forwarding="on")
    manager.wait_event("followed", "vf0 has rx-udp-gro-forwarding on")
    assert offload(lab, "vf0", UDP_GRO).active
    ethtool(lab, "eth0", gro="off")
    manager.wait_event("followed", "vf0 has rx-gro off")
    assert not offload(lab, "vf0", GRO).active
    manager.wait_vf()
    assert not manager.events_of("withdrawn")
    ip(lab, "link", "del", "eth0")
    manager.wait_event("released")
    assert not offload(lab, "vf0", UDP_GRO).active, "as it was found"


def test_change_on_the_vf_alone_is_corrected(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0", *RARELY)
    manager.wait_vf()
    ethtool(lab, "vf0", rx_gro_list="on")
    manager.wait_event("followed", "vf0 has rx-gro-list off")
    becomes(lab, GRO_LIST, False)


def test_record_survives_the_manager(lab: Lab, start: Start) -> None:
    ethtool(lab, "eth0", gro="on")
    manager = start(lab, "eth0", *RARELY)
    manager.wait_vf()
    manager.kill()
    second = start(lab, "eth0", *RARELY)
    second.wait_vf()
    ip(lab, "link", "del", "eth0")
    second.wait_event("released")
    assert not offload(lab, "vf0", GRO).active


def test_new_vf_gets_them_before_it_is_used(lab_factory: LabFactory, start: Start) -> None:
    lab = lab_factory(LabPlan(vf=False))
    ethtool(lab, "eth0", rx_gro_list="on")
    manager = start(lab, "eth0", *RARELY)
    manager.wait_event("attached")
    lab.plug_vf()
    manager.wait_event("permitted")
    assert offload(lab, "vf0", GRO_LIST).active
    assert not manager.events_of("followed"), "it is part of joining"
