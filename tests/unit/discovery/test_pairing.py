# SPDX-License-Identifier: GPL-2.0-only
"""One test for each rule of pairing, named by the scenario where there is one."""

from dataclasses import replace

import pytest

from netvsc_bpf.discovery.pairing import Cause, Pairing, Refusal, find_pair
from netvsc_bpf.model.errors import AmbiguousPairing, NoSuchNic, NotAVf, VfInUse
from netvsc_bpf.model.nic import Nic, Pair
from tests.unit.discovery.shapes import (
    BRIDGE,
    IGBVF,
    LOOPBACK,
    MAC,
    NETVSC,
    OTHER_MAC,
    VETH,
    VF,
    VIRTIO,
    second_vf,
    stacked,
)

STACKED_KINDS = [
    "vlan", "macvlan", "macvtap", "ipvlan", "bond", "team", "bridge", "vxlan", "openvswitch", "vrf", "macsec",
    "hsr", "a-kind-of-tomorrow",
]  # fmt: skip


def causes(pairing: Pairing) -> dict[str, Cause]:
    return {refusal.nic.name: refusal.cause for refusal in pairing.refusals}


def without_serial(nic: Nic) -> Nic:
    return replace(nic, serial=None)


def test_vf_is_the_pci_nic_with_the_same_mac() -> None:
    assert find_pair([LOOPBACK, NETVSC, VF], "eth0") == Pairing(Pair(NETVSC, VF))


def test_another_mac_is_another_network() -> None:
    stranger = replace(VF, mac=OTHER_MAC)
    assert find_pair([NETVSC, stranger], "eth0") == Pairing(Pair(NETVSC, None))


def test_without_a_vf_the_pair_is_synthetic_alone() -> None:
    assert find_pair([NETVSC], "eth0") == Pairing(Pair(NETVSC, None))


def test_unknown_interface_is_refused_by_name() -> None:
    with pytest.raises(NoSuchNic, match="eth9"):
        find_pair([NETVSC], "eth9")


def test_s04_two_candidates_with_the_same_mac_are_refused() -> None:
    twins = [without_serial(VF), without_serial(second_vf())]
    with pytest.raises(AmbiguousPairing, match=r"enP31819s1, enP31820s2.*--vf") as caught:
        find_pair([NETVSC, *twins], "eth0")
    assert caught.value.candidates == ("enP31819s1", "enP31820s2")


def test_s04_two_candidates_with_serials_are_refused_too() -> None:
    with pytest.raises(AmbiguousPairing):
        find_pair([NETVSC, VF, second_vf()], "eth0")


def test_s04_pci_serial_decides_where_only_one_has_it() -> None:
    pairing = find_pair([NETVSC, without_serial(VF), second_vf()], "eth0")
    assert pairing.pair.vf == second_vf()
    assert causes(pairing) == {VF.name: Cause.SECOND_VF}


def test_s04_the_one_that_hv_netvsc_enslaved_wins() -> None:
    enslaved = second_vf(master=NETVSC.ifindex, serial=None)
    pairing = find_pair([NETVSC, VF, enslaved], "eth0")
    assert pairing.pair.vf == enslaved
    assert causes(pairing) == {VF.name: Cause.SECOND_VF}


def test_s04_naming_one_of_two_decides() -> None:
    pairing = find_pair([NETVSC, VF, second_vf()], "eth0", vf=VF.name)
    assert pairing.pair.vf == VF
    assert causes(pairing) == {second_vf().name: Cause.SECOND_VF}


@pytest.mark.parametrize("kind", STACKED_KINDS)
@pytest.mark.parametrize("any_bus", [False, True])
def test_s05_stacked_interface_is_never_adopted(kind: str, any_bus: bool) -> None:
    pairing = find_pair([NETVSC, stacked(kind)], "eth0", any_bus=any_bus)
    assert pairing.pair.vf is None
    assert causes(pairing) == {f"{kind}0": Cause.UNFIT}


@pytest.mark.parametrize("kind", STACKED_KINDS)
def test_s05_stacked_interface_is_not_adopted_by_name_either(kind: str) -> None:
    with pytest.raises(NotAVf, match=kind):
        find_pair([NETVSC, stacked(kind)], "eth0", vf=f"{kind}0")


@pytest.mark.parametrize("kind", STACKED_KINDS)
def test_s05_stacked_interface_with_a_pci_parent_is_still_stacked(kind: str) -> None:
    assert find_pair([NETVSC, replace(VF, kind=kind)], "eth0").pair.vf is None


def test_s06_device_without_pci_parent_is_ignored() -> None:
    pairing = find_pair([VIRTIO, VETH], "eth0")
    assert pairing.pair.vf is None
    assert causes(pairing) == {"veth0": Cause.NOT_PCI}


def test_s06_device_without_pci_parent_is_taken_when_asked_for() -> None:
    assert find_pair([VIRTIO, VETH], "eth0", any_bus=True).pair.vf == VETH
    assert find_pair([VIRTIO, VETH], "eth0", vf="veth0") == Pairing(Pair(VIRTIO, VETH))


def test_s06_infiniband_is_refused_whatever_is_asked() -> None:
    infiniband = replace(VF, name="ib0", link_type=32)
    assert find_pair([NETVSC, infiniband], "eth0", any_bus=True).pair.vf is None
    with pytest.raises(NotAVf, match="InfiniBand"):
        find_pair([NETVSC, infiniband], "eth0", vf="ib0")


def test_twin_of_a_paravirtual_nic_on_pci_is_no_vf() -> None:
    vmxnet3 = Nic(2, "ens192", MAC, 1500, True, True, driver="vmxnet3", bus="pci", parent="0000:0b:00.0")
    twin = replace(vmxnet3, ifindex=3, name="ens224", parent="0000:13:00.0")
    pairing = find_pair([vmxnet3, twin, IGBVF], "ens192")
    assert pairing.pair.vf == IGBVF
    assert causes(pairing) == {"ens224": Cause.PARAVIRTUAL}


def test_s07_second_vf_is_refused_while_one_is_in_use() -> None:
    pairing = find_pair([NETVSC, VF, second_vf()], "eth0", current_vf=VF.ifindex)
    assert pairing.pair.vf == VF
    (refusal,) = pairing.refusals
    assert refusal.nic == second_vf()
    assert refusal.cause is Cause.SECOND_VF
    assert refusal.reason == "it is a second VF, enP31819s1 is the one in use"


def test_s07_vf_in_use_stays_even_if_the_second_has_a_serial() -> None:
    current = without_serial(VF)
    assert find_pair([NETVSC, current, second_vf()], "eth0", current_vf=current.ifindex).pair.vf == current


def test_s08_second_vf_is_adopted_when_the_first_has_gone() -> None:
    assert find_pair([NETVSC, second_vf()], "eth0", current_vf=VF.ifindex) == Pairing(
        Pair(NETVSC, second_vf())
    )


def test_s08_second_vf_is_adopted_when_the_first_has_joined_a_bridge() -> None:
    lost = replace(VF, master=BRIDGE.ifindex)
    pairing = find_pair([NETVSC, BRIDGE, lost, second_vf()], "eth0", current_vf=VF.ifindex)
    assert pairing.pair.vf == second_vf()
    assert causes(pairing) == {VF.name: Cause.IN_USE}


def test_s09_vf_in_use_is_known_by_ifindex_not_by_name() -> None:
    renamed = replace(VF, name="eth1")
    assert find_pair([NETVSC, renamed, second_vf()], "eth0", current_vf=VF.ifindex).pair.vf == renamed


def test_vf_named_outright_stays_without_being_named_again() -> None:
    assert find_pair([VIRTIO, VETH], "eth0", current_vf=VETH.ifindex).pair.vf == VETH


def test_s36_vf_in_use_whose_mac_changed_is_unpaired_and_reported() -> None:
    strayed = replace(VF, mac=OTHER_MAC)
    pairing = find_pair([NETVSC, strayed], "eth0", current_vf=VF.ifindex)
    assert pairing.pair.vf is None
    assert causes(pairing) == {VF.name: Cause.MAC_DIFFERS}


@pytest.mark.parametrize("kind", ["bridge", "bond", "team", "openvswitch"])
@pytest.mark.parametrize("named", [None, VF.name])
def test_s59_vf_of_another_master_is_refused(kind: str, named: str | None) -> None:
    master = replace(BRIDGE, kind=kind)
    with pytest.raises(VfInUse, match=f"belongs to {kind} br0; `ip link set dev enP31819s1 nomaster`"):
        find_pair([NETVSC, master, replace(VF, master=master.ifindex)], "eth0", vf=named)


def test_s59_master_in_another_namespace_is_refused_by_its_number() -> None:
    with pytest.raises(VfInUse, match="ifindex 77"):
        find_pair([NETVSC, replace(VF, master=77)], "eth0")


def test_s59_free_one_is_taken_where_the_other_is_in_a_bridge() -> None:
    ported = second_vf(master=BRIDGE.ifindex)
    pairing = find_pair([NETVSC, BRIDGE, VF, ported], "eth0")
    assert pairing.pair.vf == VF
    assert causes(pairing) == {ported.name: Cause.IN_USE}


def test_named_vf_must_exist() -> None:
    with pytest.raises(NoSuchNic, match="eth9"):
        find_pair([NETVSC], "eth0", vf="eth9")


def test_named_vf_with_another_mac_is_refused_with_the_command_that_helps() -> None:
    with pytest.raises(NotAVf, match=f"`ip link set dev veth0 address {MAC}`"):
        find_pair([NETVSC, replace(VETH, mac=OTHER_MAC)], "eth0", vf="veth0")


def test_nic_is_never_its_own_vf() -> None:
    with pytest.raises(NotAVf, match="its own VF"):
        find_pair([NETVSC], "eth0", vf="eth0")


def test_loopback_is_no_vf() -> None:
    with pytest.raises(NotAVf, match="loopback"):
        find_pair([NETVSC, LOOPBACK], "eth0", vf="lo")


def test_s38_vlan_device_that_we_put_on_the_vf_is_no_news() -> None:
    ours = replace(stacked("vlan"), name="nvb5.100")
    assert find_pair([NETVSC, VF, ours, stacked("vlan", 21)], "eth0").refusals == (
        Refusal(stacked("vlan", 21), "it is a vlan interface, on top of other interfaces", Cause.UNFIT),
    )
    assert find_pair([NETVSC, VF, ours], "eth0").pair.vf == VF


def test_s87_either_half_may_be_named_by_an_alternative_name() -> None:
    eth0, vf = replace(NETVSC, altnames=("lan", "enx0")), replace(VETH, altnames=("the-vf",))
    assert find_pair([eth0, vf], "enx0", vf="the-vf") == Pairing(Pair(eth0, vf))
    with pytest.raises(NoSuchNic, match="enx: no such interface"):
        find_pair([eth0, vf], "enx")
