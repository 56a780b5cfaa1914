# SPDX-License-Identifier: GPL-2.0-only
"""Pairs, VFs with a life of their own, and other people's programs."""

from dataclasses import replace

from netvsc_bpf.doctor.finding import Finding, Level
from netvsc_bpf.doctor.foreign import Egress, check_tc, check_xdp
from netvsc_bpf.doctor.pairs import check_mtu, examine_pairs
from netvsc_bpf.doctor.vf_addresses import check_addresses, check_routes
from netvsc_bpf.model.nic import Nic, Pair
from netvsc_bpf.model.path import Hook
from tests.unit.discovery.shapes import BRIDGE, LOOPBACK, NETVSC, OTHER_MAC, VETH, VF, VIRTIO, second_vf

STEER = 40
OURS = frozenset({STEER, 41, 42})


def said(findings: list[Finding]) -> list[tuple[Level, str]]:
    return [(finding.level, finding.what) for finding in findings]


def test_azure_pair_is_shown() -> None:
    pairs, findings = examine_pairs([LOOPBACK, NETVSC, replace(VF, master=NETVSC.ifindex)], {})
    assert [pair.synthetic for pair in pairs] == [NETVSC]
    assert said(findings) == [(Level.OK, "eth0 (hv_netvsc): VF enP31819s1 (mlx5_core)")]


def test_machine_without_synthetic_nic_is_reported() -> None:
    pairs, findings = examine_pairs([LOOPBACK, VIRTIO], {})
    assert pairs == []
    assert [finding.level for finding in findings] == [Level.OK]


def test_attached_pair_is_looked_at_even_if_attach_all_would_not_take_it() -> None:
    pairs, _ = examine_pairs([VIRTIO, VETH], {VIRTIO.ifindex: VETH.ifindex})
    assert pairs == [Pair(VIRTIO, VETH)]


def test_attached_pair_whose_synthetic_nic_went_is_left_out() -> None:
    assert examine_pairs([LOOPBACK], {77: None})[0] == []


def test_s04_ambiguous_pairing_is_a_problem_with_the_option_that_helps() -> None:
    pairs, (finding,) = examine_pairs([NETVSC, VF, second_vf()], {})
    assert pairs == []
    assert (finding.level, finding.remedy) == (Level.PROBLEM, "choose one with --vf")


def test_s07_second_vf_is_a_warning() -> None:
    _, findings = examine_pairs([NETVSC, VF, second_vf()], {NETVSC.ifindex: VF.ifindex})
    assert [finding.level for finding in findings] == [Level.OK, Level.WARNING]
    assert "enP31820s2 is not used with eth0: it is a second VF" in findings[1].what


def test_s36_vf_whose_mac_changed_is_a_warning() -> None:
    _, findings = examine_pairs([NETVSC, replace(VF, mac=OTHER_MAC)], {NETVSC.ifindex: VF.ifindex})
    assert findings[1].level is Level.WARNING
    assert OTHER_MAC in findings[1].what


def test_s05_vlan_upon_the_pair_is_not_worth_a_word() -> None:
    vlan = Nic(30, "eth0.5", NETVSC.mac, 1500, True, True, kind="vlan", driver="vlan")
    _, findings = examine_pairs([NETVSC, VF, vlan], {})
    assert len(findings) == 1


def test_s59_vf_in_a_bridge_is_a_problem() -> None:
    _, (finding,) = examine_pairs([NETVSC, BRIDGE, replace(VF, master=BRIDGE.ifindex)], {})
    assert finding.level is Level.PROBLEM
    assert "belongs to bridge br0" in finding.what


def test_s13_address_on_the_vf_is_a_warning() -> None:
    finding = check_addresses(VF, ["10.0.0.5/24", "fe80::1/64"])
    assert finding is not None
    assert finding.level is Level.WARNING
    assert finding.what == "the VF enP31819s1 has an address of its own: 10.0.0.5/24, fe80::1/64"


def test_s13_route_through_the_vf_is_a_warning() -> None:
    finding = check_routes(VF, ["default", *(f"10.{i}.0.0/16" for i in range(1000))])
    assert finding is not None
    assert finding.level is Level.WARNING
    assert finding.what.endswith("default, 10.0.0.0/16, 10.1.0.0/16, 10.2.0.0/16 and 997 more")


def test_s13_vf_without_addresses_and_routes_is_not_worth_a_word() -> None:
    assert check_addresses(VF, []) is None
    assert check_routes(VF, []) is None


def test_s31_mtu_that_differs_is_a_warning_with_the_command() -> None:
    finding = check_mtu(Pair(replace(NETVSC, mtu=9000), VF))
    assert finding is not None
    assert (finding.level, finding.remedy) == (Level.WARNING, "`ip link set dev enP31819s1 mtu 9000`")
    assert check_mtu(Pair(NETVSC, VF)) is None
    assert check_mtu(Pair(NETVSC, None)) is None


def test_s63_foreign_xdp_keeps_guard_away_where_guard_is_the_default() -> None:
    finding = check_xdp(replace(VIRTIO, xdp_prog_id=7), OURS)
    assert finding is not None
    assert (finding.level, finding.remedy) == (Level.PROBLEM, "attach with --guard off")


def test_s63_foreign_xdp_on_netvsc_is_only_mentioned() -> None:
    finding = check_xdp(replace(NETVSC, xdp_prog_id=7), OURS)
    assert finding is not None
    assert finding.level is Level.OK


def test_own_guard_is_not_foreign() -> None:
    assert check_xdp(replace(VIRTIO, xdp_prog_id=STEER), OURS) is None
    assert check_xdp(VIRTIO, OURS) is None


def test_s63_tcx_programs_are_distinguished_by_their_place() -> None:
    findings = check_tc(NETVSC, Egress(tcx=(7, STEER, 8)), OURS, Hook.TCX)
    assert said(findings) == [
        (Level.OK, "eth0 egress, before steer: tcx program 7"),
        (Level.WARNING, "eth0 egress, after steer, so bypassed by steered packets: tcx program 8"),
    ]


def test_s63_filters_come_after_tcx_but_before_steer_as_a_filter() -> None:
    egress = Egress(filters=(9, None))
    assert said(check_tc(NETVSC, egress, OURS, Hook.TCX)) == [
        (Level.WARNING, "eth0 egress, bypassed by steered packets: filter with program 9, a filter")
    ]
    assert said(check_tc(NETVSC, egress, OURS, Hook.CLSACT)) == [
        (Level.OK, "eth0 egress, before steer: filter with program 9, a filter")
    ]


def test_own_programs_are_not_worth_a_word() -> None:
    assert check_tc(NETVSC, Egress(tcx=(STEER,)), OURS, Hook.TCX) == []
    assert check_tc(NETVSC, Egress(filters=(STEER,)), OURS, Hook.CLSACT) == []


def test_ingress_qdisc_is_in_the_way_of_clsact_alone() -> None:
    egress = Egress(ingress_qdisc=True)
    assert check_tc(NETVSC, egress, OURS, Hook.TCX) == []
    assert [finding.level for finding in check_tc(NETVSC, egress, OURS, Hook.CLSACT)] == [Level.PROBLEM]
