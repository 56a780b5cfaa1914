# SPDX-License-Identifier: GPL-2.0-only
"""Discovery on NICs that a real kernel describes."""

from collections.abc import Callable

import pytest

from netvsc_bpf.discovery.nics import get_nic, list_nics
from netvsc_bpf.discovery.pairing import Cause, find_pair, find_synthetics
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.errors import AmbiguousPairing, NoSuchNic, NotAVf, VfInUse
from netvsc_bpf.model.nic import Nic


def nics_of(lab: Lab) -> list[Nic]:
    def read() -> list[Nic]:
        with Rtnetlink() as rtnl:
            return list_nics(rtnl)

    return lab.in_guest(read)


def ip(lab: Lab) -> Callable[..., None]:
    def run(*arguments: str) -> None:
        lab.run(lab.guest, ["ip", *arguments])

    return run


def test_pair_of_the_lab_is_found_with_any_bus(lab: Lab) -> None:
    nics = nics_of(lab)
    assert [nic.name for nic in find_synthetics(nics, any_bus=True)] == ["eth0"]
    pair = find_pair(nics, "eth0", any_bus=True).pair
    assert pair.vf is not None
    assert (pair.vf.name, pair.vf.ifindex) == ("vf0", lab.ifindex(lab.guest, "vf0"))
    assert find_pair(nics, "eth0").pair.vf is None


def test_one_nic_is_read_as_the_dump_has_it(lab: Lab) -> None:
    def read() -> tuple[Nic, Nic]:
        with Rtnetlink() as rtnl:
            by_name = get_nic(rtnl, "eth0")
            return by_name, get_nic(rtnl, by_name.ifindex)

    by_name, by_ifindex = lab.in_guest(read)
    assert by_name.name == by_ifindex.name == "eth0"
    assert (by_name.kind, by_name.driver, by_name.link_type) == ("veth", "veth", 1)
    with pytest.raises(NoSuchNic):
        lab.in_guest(lambda: get_nic(Rtnetlink(), "eth9"))


def test_s04_second_candidate_makes_it_ambiguous(lab: Lab) -> None:
    mac = next(nic.mac for nic in nics_of(lab) if nic.name == "eth0")
    ip(lab)("link", "add", "vf1", "address", mac, "type", "veth")
    with pytest.raises(AmbiguousPairing, match="vf0, vf1"):
        find_pair(nics_of(lab), "eth0", any_bus=True)
    vf = lab.ifindex(lab.guest, "vf0")
    pairing = find_pair(nics_of(lab), "eth0", any_bus=True, current_vf=vf)
    assert {one.nic.name: one.cause for one in pairing.refusals} == {"vf1": Cause.SECOND_VF}


def test_s05_bridge_with_the_same_mac_is_never_adopted(lab: Lab) -> None:
    mac = next(nic.mac for nic in nics_of(lab) if nic.name == "eth0")
    ip(lab)("link", "add", "br0", "address", mac, "type", "bridge")
    nics = nics_of(lab)
    pair = find_pair(nics, "eth0", any_bus=True).pair
    assert pair.vf is not None and pair.vf.name == "vf0"
    with pytest.raises(NotAVf, match="bridge"):
        find_pair(nics, "eth0", vf="br0")


def test_s59_vf_in_a_bridge_is_refused_by_the_name_of_the_bridge(lab: Lab) -> None:
    ip(lab)("link", "add", "br0", "type", "bridge")
    ip(lab)("link", "set", "vf0", "master", "br0")
    with pytest.raises(VfInUse, match="belongs to bridge br0"):
        find_pair(nics_of(lab), "eth0", any_bus=True)


def test_s09_renamed_vf_is_the_same_nic(lab: Lab) -> None:
    vf = lab.ifindex(lab.guest, "vf0")
    ip(lab)("link", "set", "vf0", "down")
    ip(lab)("link", "set", "vf0", "name", "enP1s1")
    pair = find_pair(nics_of(lab), "eth0", any_bus=True, current_vf=vf).pair
    assert pair.vf is not None
    assert (pair.vf.name, pair.vf.ifindex) == ("enP1s1", vf)
