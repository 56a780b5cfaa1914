# SPDX-License-Identifier: GPL-2.0-only
"""Pairing beside other pairs: with one MAC for all of them, as in a bond, and where they would cross."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from netvsc_bpf.discovery.known import KnownPair, KnownPairs
from netvsc_bpf.discovery.pairing import Cause, Pairing, find_pair, find_synthetics
from netvsc_bpf.model.errors import AmbiguousPairing, CrossedPairs, MacDiffers, NotASyntheticNic
from netvsc_bpf.model.nic import Nic
from tests.unit.discovery.shapes import MAC, NETVSC, OTHER_MAC, VETH, VF, VIRTIO, second_vf

# A bond gave eth1 the MAC of eth0.
ETH0, ETH1 = NETVSC, replace(NETVSC, ifindex=3, name="eth1", parent="another")
VF0, VF1 = replace(VF, serial=None), second_vf(serial=None, name="vf1")
BOND = [ETH0, ETH1, VF0, VF1]


def came_with(nic: Nic, mac: str) -> Nic:
    return replace(nic, permanent_mac=mac)


def pair(nics: Sequence[Nic], name: str, *known: KnownPair, vf: str | None = None) -> Pairing:
    current = next((one.vf for one in known if one.synthetic == {"eth0": 2, "eth1": 3}.get(name)), None)
    return find_pair(nics, name, vf=vf, current_vf=current, known=KnownPairs(known))


@pytest.mark.parametrize("name", ["eth0", "eth1"])
def test_s86_vf_of_one_pair_is_no_candidate_of_another(name: str) -> None:
    mine, others = (VF0, VF1) if name == "eth0" else (VF1, VF0)
    synthetic, other = (2, 3) if name == "eth0" else (3, 2)
    pairing = pair(BOND, name, KnownPair(synthetic), KnownPair(other, vf=others.ifindex))
    assert pairing.pair.vf == mine
    assert {one.nic.name: one.cause for one in pairing.refusals} == {
        others.name: Cause.OTHER_PAIR,
        ETH1.name if name == "eth0" else ETH0.name: Cause.OTHER_PAIR,
    }


def test_s86_synthetic_nic_of_another_pair_is_no_candidate() -> None:
    twins = [VIRTIO, replace(VIRTIO, ifindex=3, name="eth1")]
    known = KnownPairs([KnownPair(2), KnownPair(3)])
    pairing = find_pair(twins, "eth0", any_bus=True, known=known)
    assert pairing.pair.vf is None
    assert [one.reason for one in pairing.refusals] == ["it is attached as a synthetic NIC itself"]


def test_s86_permanent_addresses_tell_two_pairs_with_one_mac_apart() -> None:
    nics = [
        *(came_with(ETH0, MAC), came_with(ETH1, OTHER_MAC)),
        *(came_with(VF0, MAC), came_with(VF1, OTHER_MAC)),
    ]
    assert pair(nics, "eth0").pair.vf == nics[2]
    assert pair(nics, "eth1").pair.vf == nics[3]
    # Also where only the other one's VF is there.
    assert pair([nics[0], nics[1], nics[3]], "eth0").pair.vf is None


def test_s86_vf_that_is_plugged_again_has_its_own_mac_and_is_its_own_pairs() -> None:
    again = replace(came_with(VF1, OTHER_MAC), mac=OTHER_MAC)
    nics = [came_with(ETH0, MAC), came_with(ETH1, OTHER_MAC), came_with(VF0, MAC), again]
    assert pair(nics, "eth1", KnownPair(2, vf=VF0.ifindex), KnownPair(3)).pair.vf == again


def test_s86_without_permanent_addresses_the_last_vfs_original_mac_decides() -> None:
    eth0, eth1 = KnownPair(2, last_mac=MAC), KnownPair(3, last_mac=OTHER_MAC)
    again = replace(VF1, mac=OTHER_MAC)
    assert pair([ETH0, ETH1, VF0], "eth0", eth0, eth1).pair.vf == VF0
    assert pair([ETH0, ETH1, VF0], "eth1", eth0, eth1).pair.vf is None
    assert pair([ETH0, ETH1, VF0, again], "eth1", eth0, eth1).pair.vf == again
    assert pair([ETH0, ETH1, VF0, again], "eth0", eth0, eth1).pair.vf == VF0


def test_s86_vf_that_fits_two_nics_equally_has_to_be_named() -> None:
    for name in ("eth0", "eth1"):
        with pytest.raises(
            AmbiguousPairing, match=r"could equally be that of eth.; choose one with --vf"
        ) as caught:
            pair([ETH0, ETH1, VF0], name, KnownPair(2), KnownPair(3))
        assert caught.value.candidates == (VF0.name,)
    named = KnownPair(2, named_vf=VF0.name)
    assert pair([ETH0, ETH1, VF0], "eth0", named, KnownPair(3), vf=VF0.name).pair.vf == VF0
    assert pair([ETH0, ETH1, VF0], "eth1", named, KnownPair(3)).pair.vf is None


def test_s86_pair_that_has_its_vf_disputes_no_other() -> None:
    assert pair([ETH0, ETH1, VF0, VF1], "eth0", KnownPair(2), KnownPair(3, vf=VF1.ifindex)).pair.vf == VF0


def test_s86_vf_in_use_stays_whatever_the_other_pair_claims() -> None:
    known = [KnownPair(2, vf=VF0.ifindex), KnownPair(3, last_mac=MAC)]
    assert pair([ETH0, ETH1, VF0], "eth0", *known).pair.vf == VF0


def test_s86_changed_mac_of_a_vf_is_an_external_decision() -> None:
    strayed = replace(came_with(VF0, MAC), mac=OTHER_MAC)
    assert pair([came_with(ETH0, MAC), strayed], "eth0", KnownPair(2, last_mac=MAC)).pair.vf is None


def test_s86_attach_all_means_both_nics_of_a_bond() -> None:
    twins = [came_with(VIRTIO, MAC), came_with(replace(VIRTIO, ifindex=3, name="eth1"), OTHER_MAC)]
    assert find_synthetics(twins, any_bus=True) == twins


@pytest.mark.parametrize(
    "taken",
    [KnownPair(7, attached=False), KnownPair(3, vf=7), KnownPair(3, named_vf="veth0")],
    ids=["to-be-attached", "vf", "to-be-vf"],
)
def test_s90_vf_that_is_a_half_of_another_pair_is_refused(taken: KnownPair) -> None:
    nics = [VIRTIO, replace(VIRTIO, ifindex=3, name="eth1", mac=OTHER_MAC), VETH]
    with pytest.raises(CrossedPairs, match="veth0 as VF of eth0: it is "):
        find_pair(nics, "eth0", vf="veth0", known=KnownPairs([taken]))


@pytest.mark.parametrize("owner", [KnownPair(2, vf=7), KnownPair(2, attached=False, named_vf="veth0")])
def test_s90_vf_of_a_pair_is_no_synthetic_nic(owner: KnownPair) -> None:
    with pytest.raises(NotASyntheticNic, match=r"the VF of .*eth0; name eth0 instead"):
        find_pair([VIRTIO, VETH], "veth0", any_bus=True, known=KnownPairs([owner]))


def test_s90_nic_with_the_mac_of_an_attached_one_is_no_synthetic_nic_beside_it() -> None:
    with pytest.raises(NotASyntheticNic, match="it has the MAC of eth0, which is attached"):
        find_pair([VIRTIO, VETH], "veth0", known=KnownPairs([KnownPair(2)]))
    # Attached already, or known to be another's twin by the address that it came with: a bond's port.
    assert find_pair([VIRTIO, VETH], "veth0", known=KnownPairs([KnownPair(2), KnownPair(7)])).pair.vf is None
    twins = [came_with(VIRTIO, MAC), came_with(replace(VIRTIO, ifindex=3, name="eth1"), OTHER_MAC)]
    assert find_pair(twins, "eth1", known=KnownPairs([KnownPair(2)])).pair.vf is None


def test_named_vf_with_another_mac_is_distinguished_from_an_unfit_one() -> None:
    with pytest.raises(MacDiffers):
        find_pair([VIRTIO, replace(VETH, mac=OTHER_MAC)], "eth0", vf="veth0")
