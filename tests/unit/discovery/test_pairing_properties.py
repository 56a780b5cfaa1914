# SPDX-License-Identifier: GPL-2.0-only
"""What holds for any set of NICs: hypothesis looks for the machine that breaks it."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.discovery.eligibility import STANDALONE_KINDS, is_stacked
from netvsc_bpf.discovery.pairing import Pairing, find_pair, find_synthetics
from netvsc_bpf.model.errors import AmbiguousPairing, NetvscBpfError, Refused
from netvsc_bpf.model.nic import Nic
from tests.unit.discovery.shapes import MAC, NETVSC, OTHER_MAC, VIRTIO

others = st.builds(
    Nic,
    ifindex=st.integers(3, 40),
    name=st.just(""),
    mac=st.sampled_from([MAC, MAC, MAC, OTHER_MAC, ""]),
    mtu=st.just(1500),
    up=st.booleans(),
    carrier=st.booleans(),
    kind=st.sampled_from([None, None, None, "veth", "vlan", "bridge", "bond", "macvlan", "unheard-of"]),
    driver=st.sampled_from([None, "mlx5_core", "virtio_net", "vmxnet3"]),
    bus=st.sampled_from([None, "pci", "pci", "usb", "virtio"]),
    serial=st.sampled_from([None, None, 1, 2]),
    link_type=st.sampled_from([1, 1, 1, 32, 772]),
    loopback=st.just(False),
    master=st.sampled_from([None, None, None, 2, 9, 77]),
)
synthetics = st.sampled_from([NETVSC, VIRTIO])
machines = st.builds(
    lambda synthetic, nics: [synthetic, *(replace(nic, name=f"nic{nic.ifindex}") for nic in nics)],
    synthetics,
    st.lists(others, unique_by=lambda nic: nic.ifindex, max_size=6),
)
current = st.one_of(st.none(), st.integers(3, 40))


def outcome(nics: list[Nic], any_bus: bool, current_vf: int | None) -> Pairing | str:
    try:
        return find_pair(nics, "eth0", any_bus=any_bus, current_vf=current_vf)
    except Refused as error:
        return f"{type(error).__name__}: {error}"


@given(machines, st.booleans(), current)
def test_adopted_vf_is_always_a_free_ethernet_nic_with_the_same_mac(
    nics: list[Nic], any_bus: bool, current_vf: int | None
) -> None:
    found = outcome(nics, any_bus, current_vf)
    if isinstance(found, str) or found.pair.vf is None:
        return
    vf = found.pair.vf
    assert not is_stacked(vf) and vf.kind in STANDALONE_KINDS
    assert vf.ifindex != found.pair.synthetic.ifindex
    assert (vf.mac, vf.link_type) == (MAC, 1)
    assert vf.master in (None, found.pair.synthetic.ifindex)
    assert vf.bus == "pci" or any_bus or vf.ifindex == current_vf


@given(machines, st.booleans(), current, st.randoms())
def test_order_of_the_dump_does_not_matter(
    nics: list[Nic], any_bus: bool, current_vf: int | None, random: Random
) -> None:
    shuffled = list(nics)
    random.shuffle(shuffled)
    assert outcome(nics, any_bus, current_vf) == outcome(shuffled, any_bus, current_vf)
    assert find_synthetics(nics, any_bus=any_bus) == find_synthetics(shuffled, any_bus=any_bus)


@given(machines, st.booleans(), st.data())
def test_of_two_indistinguishable_candidates_neither_is_taken(
    nics: list[Nic], any_bus: bool, data: st.DataObject
) -> None:
    found = outcome(nics, any_bus, None)
    if isinstance(found, str) or found.pair.vf is None:
        return
    twin = replace(found.pair.vf, ifindex=50, name="nic50")
    try:
        pairing = find_pair([*nics, twin], "eth0", any_bus=any_bus)
    except AmbiguousPairing as error:
        assert {twin.name, found.pair.vf.name} <= set(error.candidates)
    else:
        # Something else then stood out: never one of the two equals.
        assert pairing.pair.vf not in (twin, found.pair.vf)


@given(machines, st.booleans(), current)
def test_every_other_nic_with_the_mac_is_refused_with_a_reason(
    nics: list[Nic], any_bus: bool, current_vf: int | None
) -> None:
    found = outcome(nics, any_bus, current_vf)
    if isinstance(found, str):
        return
    named = {refusal.nic.ifindex for refusal in found.refusals}
    vf = set() if found.pair.vf is None else {found.pair.vf.ifindex}
    rest = {nic.ifindex for nic in nics if nic.mac == MAC} - {found.pair.synthetic.ifindex} - vf
    assert rest <= named
    assert not named & vf
    assert all(refusal.reason for refusal in found.refusals)


@given(machines, st.booleans())
def test_vf_in_use_stays_if_others_appear(nics: list[Nic], any_bus: bool) -> None:
    found = outcome(nics, any_bus, None)
    if isinstance(found, str) or found.pair.vf is None:
        return
    vf = found.pair.vf
    for extra in (replace(vf, ifindex=50, name="nic50"), replace(vf, ifindex=51, name="nic51", master=2)):
        assert find_pair([*nics, extra], "eth0", any_bus=any_bus, current_vf=vf.ifindex).pair.vf == vf


@given(machines, st.booleans())
def test_whatever_attach_all_finds_can_be_attached_or_is_refused_by_type(
    nics: list[Nic], any_bus: bool
) -> None:
    for synthetic in find_synthetics(nics, any_bus=any_bus):
        try:
            find_pair(nics, synthetic.name, any_bus=any_bus)
        except NetvscBpfError as error:
            assert error.exit_code == 3
            assert "\n" not in str(error)


@given(machines, st.booleans())
def test_no_two_synthetics_take_each_other(nics: list[Nic], any_bus: bool) -> None:
    pairs = []
    for synthetic in find_synthetics(nics, any_bus=any_bus):
        try:
            pairs.append(find_pair(nics, synthetic.name, any_bus=any_bus).pair)
        except Refused:
            continue
    vfs = {pair.vf.ifindex for pair in pairs if pair.vf is not None}
    assert not vfs & {pair.synthetic.ifindex for pair in pairs}
