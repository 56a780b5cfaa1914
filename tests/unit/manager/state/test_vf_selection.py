# SPDX-License-Identifier: GPL-2.0-only
"""Who the VF should be, when one is joined already and things move."""

from dataclasses import replace

from netvsc_bpf.datapath.options import AttachOptions
from netvsc_bpf.discovery.known import KnownPair, KnownPairs
from netvsc_bpf.discovery.refusal import Cause
from netvsc_bpf.manager.state.vf_selection import choose
from netvsc_bpf.model.errors import CrossedPairs
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Liveness
from netvsc_bpf.planner.observation import Followed, Joined, PairObservation
from tests.unit.discovery.shapes import MAC, NETVSC, OTHER_MAC, VETH, VF, second_vf


def observed(synthetic: Nic = NETVSC, vf: Nic | None = None) -> PairObservation:
    joined = None
    if vf is not None:
        followed = Followed(True, 1500, MAC)
        joined = Joined(vf, home=True, followed=followed, permitted=True, armed=True, settle_ms=100)
    return PairObservation(synthetic, steer=True, guard=True, liveness=Liveness.LIVE, joined=joined)


def test_s07_second_vf_is_refused_while_one_is_joined() -> None:
    seen = choose([NETVSC, VF, second_vf()], observed(vf=VF), AttachOptions(), KnownPairs())
    assert seen.pair.candidate == VF
    assert [one.cause for one in seen.refusals] == [Cause.SECOND_VF]


def test_s04_two_that_could_be_it_and_cannot_be_distinguished() -> None:
    twins = [replace(VF, serial=None), second_vf(serial=None)]
    seen = choose([NETVSC, *twins], observed(), AttachOptions(), KnownPairs())
    assert seen.pair.candidate is None and seen.problem is not None


def test_s35_changed_mac_of_the_synthetic_nic_does_not_tear_them_apart() -> None:
    moved = replace(NETVSC, mac=OTHER_MAC)
    assert choose([moved, VF], observed(moved, VF), AttachOptions(), KnownPairs()).pair.candidate == VF


def test_s35_vf_that_has_followed_already_stays_the_candidate() -> None:
    moved, vf = replace(NETVSC, mac=OTHER_MAC), replace(VF, mac=OTHER_MAC)
    assert choose([moved, vf], observed(moved, vf), AttachOptions(), KnownPairs()).pair.candidate == vf


def test_s36_changed_mac_of_the_vf_alone_is_refused() -> None:
    vf = replace(VF, mac=OTHER_MAC)
    seen = choose([NETVSC, vf], observed(vf=vf), AttachOptions(), KnownPairs())
    assert seen.pair.candidate is None
    assert [one.cause for one in seen.refusals] == [Cause.MAC_DIFFERS]


def test_s06_joined_vf_stays_admitted_whatever_its_bus() -> None:
    assert choose([NETVSC, VETH], observed(), AttachOptions(), KnownPairs()).pair.candidate is None
    assert choose([NETVSC, VETH], observed(vf=VETH), AttachOptions(), KnownPairs()).pair.candidate == VETH


def test_vf_named_outright_is_waited_for() -> None:
    options = AttachOptions(vf="enP31820s2")
    assert choose([NETVSC, VF], observed(), options, KnownPairs()).pair.candidate is None
    other = second_vf()
    assert choose([NETVSC, VF, other], observed(), options, KnownPairs()).pair.candidate == other


def test_s59_vf_of_a_bridge_is_no_candidate() -> None:
    vf = replace(VF, master=9)
    seen = choose([NETVSC, vf], observed(vf=vf), AttachOptions(), KnownPairs())
    assert seen.pair.candidate is None and seen.problem is not None


def test_s90_what_pairing_refuses_is_refused_and_has_no_candidate() -> None:
    crossed = KnownPairs([KnownPair(3, vf=VF.ifindex)])
    seen = choose([NETVSC, VF], observed(), AttachOptions(vf=VF.name), crossed)
    assert isinstance(seen.problem, CrossedPairs)
    assert (seen.pair.refused, seen.pair.candidate) == (True, None)
