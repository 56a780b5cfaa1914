# SPDX-License-Identifier: GPL-2.0-only
"""Receive offloads of real interfaces that can and that cannot be switched, and what forwards above one.

A macvlan accepts every request for rx-udp-gro-forwarding and never grants it (macvlan_fix_features()).
"""

from netvsc_bpf.datapath import follow_offloads
from netvsc_bpf.datapath.sync_vlans import Half
from netvsc_bpf.discovery.nics import get_nic
from netvsc_bpf.doctor.receive_offloads import check_offloads, read_difference
from netvsc_bpf.kernel.bpf.abi import Found
from netvsc_bpf.kernel.net.ethtool_features import request_offloads
from netvsc_bpf.kernel.net.forwarding import forwards
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.lab import wiring
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.nic import Pair
from netvsc_bpf.model.receive_offload import FeatureState, ReceiveOffload
from tests.kernel.support.offloads import ethtool, offload

UDP_GRO, LRO = ReceiveOffload.UDP_GRO, ReceiveOffload.LRO


def macvlan(lab: Lab) -> None:
    lab.run(lab.guest, ["ip", "link", "add", "link", "vf0", "name", "mv0", "type", "macvlan"])


def test_requested_offloads_are_those_that_ethtool_shows(lab: Lab) -> None:
    lab.in_guest(request_offloads, lab.ifindex(lab.guest, "vf0"), {UDP_GRO: True, ReceiveOffload.GRO: False})
    shown = lab.run(lab.guest, ["ethtool", "-k", "vf0"]).stdout
    assert "rx-udp-gro-forwarding: on\n" in shown
    assert "generic-receive-offload: off\n" in shown
    assert offload(lab, "vf0", UDP_GRO) == FeatureState(available=True, requested=True, active=True)


def test_fixed_offload_is_not_available_and_a_request_that_is_not_granted_shows(lab: Lab) -> None:
    assert offload(lab, "vf0", LRO) == FeatureState(available=False, requested=False, active=False)
    macvlan(lab)
    lab.in_guest(request_offloads, lab.ifindex(lab.guest, "mv0"), {UDP_GRO: True})
    assert offload(lab, "mv0", UDP_GRO) == FeatureState(available=True, requested=True, active=False)


def test_vf_that_does_not_grant_an_offload_is_warned_of_once_it_was_requested(lab: Lab) -> None:
    macvlan(lab)
    ethtool(lab, "mv0", gro="off")
    ethtool(lab, "eth0", rx_udp_gro_forwarding="on")
    synthetic, vf = (Half(lab.ifindex(lab.guest, name), name) for name in ("eth0", "mv0"))
    found, noted = Found(vf_ifindex=vf.ifindex), list[int]()

    def follow() -> str | None:
        with Rtnetlink() as rtnl:
            return follow_offloads.follow_if_possible(
                rtnl, found, synthetic, vf, lambda: noted.append(found.vf_offloads)
            )

    def doctor() -> list[str]:
        with Rtnetlink() as rtnl:
            pair = Pair(get_nic(rtnl, synthetic.ifindex), get_nic(rtnl, vf.ifindex))
            return [one.what for one in check_offloads(pair, read_difference(rtnl, pair), attached=True)]

    (before,) = lab.in_guest(doctor)
    assert "does not have rx-udp-gro-forwarding on, as eth0 requires" in before
    warning = lab.in_guest(follow)
    assert warning is not None
    assert "mv0 cannot be given rx-udp-gro-forwarding on, as eth0 requires" in warning
    assert len(noted) == 2
    assert lab.in_guest(follow) == warning
    assert len(noted) == 2, "it is not requested again"
    assert lab.in_guest(doctor) == [warning]
    lab.in_guest(follow_offloads.restore, found, vf)
    assert not offload(lab, "mv0", UDP_GRO).requested


def test_forwarding_is_seen_on_an_interface_and_above_it(lab: Lab) -> None:
    def forwarding(interface: str) -> bool:
        ifindex = lab.ifindex(lab.guest, interface)

        def read() -> bool:
            with Rtnetlink() as rtnl:
                return forwards(rtnl, ifindex)

        return lab.in_guest(read)

    assert not forwarding("eth0")
    for family in ("ipv4", "ipv6"):
        lab.in_guest(wiring.write_sysctl, f"{family}/conf/eth0/forwarding", 1)
        assert forwarding("eth0"), family
        lab.in_guest(wiring.write_sysctl, f"{family}/conf/eth0/forwarding", 0)
    assert not forwarding("eth0")
    macvlan(lab)
    lab.in_guest(wiring.write_sysctl, "ipv4/conf/mv0/forwarding", 1)
    assert forwarding("vf0")
    assert not forwarding("eth0")
    lab.run(lab.guest, ["ip", "link", "add", "br9", "type", "bridge"])
    lab.run(lab.guest, ["ip", "link", "set", "eth0", "master", "br9"])
    assert forwarding("eth0")
