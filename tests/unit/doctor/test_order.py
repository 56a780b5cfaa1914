# SPDX-License-Identifier: GPL-2.0-only
"""What runs on the devices of a pair, in which order, and whose it is."""

from netvsc_bpf.doctor.container_networks import check_container_networks
from netvsc_bpf.doctor.finding import Level
from netvsc_bpf.doctor.order import Hooked, check_blind, check_order, names_of
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.model.nic import Nic, Pair
from tests.unit.discovery.shapes import NETVSC, VF

OURS = {40: "steer", 41: "home", 42: "guard"}
NAMES = {7: "cil_from_netdev", 8: "cali_tc_preambl"}
PAIR = Pair(NETVSC, VF)


def test_s63_order_is_that_of_the_kernel_including_steer_and_home() -> None:
    hooked = Hooked("eth0", Direction.INGRESS, xdp=(42,), tcx=(7, 9), filters=(None, 8))
    finding = check_order(hooked, OURS, NAMES)
    assert finding is not None and finding.level is Level.OK
    assert finding.what == (
        "eth0 receives through XDP guard (ours), then tcx cil_from_netdev (program 7), then tcx program 9,"
        " then filter without a BPF program, then filter cali_tc_preambl (program 8)"
    )


def test_device_without_programs_is_not_worth_a_word() -> None:
    assert check_order(Hooked("eth0", Direction.EGRESS), OURS, {}) is None


def test_s63_program_behind_home_is_blind_and_one_ahead_is_not() -> None:
    ahead = Hooked(VF.name, Direction.INGRESS, tcx=(7, 41))
    assert check_blind(ahead, OURS, NAMES) is None
    behind = Hooked(VF.name, Direction.INGRESS, tcx=(41, 7), filters=(8,))
    finding = check_blind(behind, OURS, NAMES)
    assert finding is not None and finding.level is Level.WARNING
    assert "cil_from_netdev (program 7), cali_tc_preambl (program 8)" in finding.what
    assert "before home" in (finding.remedy or "")


def test_without_home_no_program_is_bypassed() -> None:
    assert check_blind(Hooked(VF.name, Direction.INGRESS, tcx=(7,)), OURS, NAMES) is None


def test_names_are_asked_for_once_and_only_of_others() -> None:
    assert names_of({7, 9, 40}, OURS, {7: "seven"}.get) == {7: "seven"}


def test_cilium_on_the_vf_is_a_warning_with_its_own_option() -> None:
    (finding,) = check_container_networks(PAIR, [NETVSC, VF], [7], NAMES)
    assert finding.level is Level.WARNING
    assert finding.what == "Cilium runs on the VF enP31819s1: cil_from_netdev"
    assert "list eth0, but not enP31819s1, in Cilium" in (finding.remedy or "")


def test_calico_on_the_vf_is_a_warning_with_its_own_option() -> None:
    (finding,) = check_container_networks(PAIR, [NETVSC, VF], [8, 9], NAMES)
    assert finding.level is Level.WARNING
    assert "bpfDataIfacePattern" in (finding.remedy or "")


def test_container_network_that_leaves_the_vf_alone_is_only_mentioned() -> None:
    host = Nic(50, "cilium_host", "02:00:00:00:00:01", 1500, True, True)
    (finding,) = check_container_networks(PAIR, [NETVSC, VF, host], [], NAMES)
    assert finding.level is Level.OK


def test_machine_without_container_network_hears_nothing_of_it() -> None:
    assert check_container_networks(PAIR, [NETVSC, VF], [9], {9: "something"}) == []
    assert check_container_networks(Pair(NETVSC, None), [NETVSC], [], {}) == []
