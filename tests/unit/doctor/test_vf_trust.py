# SPDX-License-Identifier: GPL-2.0-only
"""When the doctor asks the operator to look at the host's settings of a VF."""

from dataclasses import replace

import pytest

from netvsc_bpf.doctor.finding import Level
from netvsc_bpf.doctor.vf_trust import check_trust
from netvsc_bpf.model.nic import Nic, Pair
from tests.unit.discovery.shapes import VIRTIO

ETH0 = replace(VIRTIO, ifindex=2, name="eth0", master=None)
VF = replace(VIRTIO, ifindex=3, name="vf0", driver="iavf", bus="pci", master=None)
BRIDGE = Nic(4, "br0", ETH0.mac, 1500, True, True, kind="bridge")
MACVLANS = [bytes.fromhex("02000000000a"), bytes.fromhex("02000000000b")]


def test_macvlans_above_a_pci_vf() -> None:
    found = check_trust(Pair(ETH0, VF), [ETH0, VF], MACVLANS)
    assert found is not None
    assert (found.check, found.level) == ("vf-trust", Level.WARNING)
    assert found.what.startswith("2 more MACs, as of macvlans, on eth0: the host must allow vf0")
    assert "spoofchk off trust on" in (found.remedy or "")


@pytest.mark.parametrize("kind", ["bridge", "openvswitch"])
def test_switch_above_a_pci_vf(kind: str) -> None:
    port, switch = replace(ETH0, master=4), replace(BRIDGE, kind=kind)
    found = check_trust(Pair(port, VF), [port, VF, switch], [])
    assert found is not None
    assert found.what.startswith(f"the {kind} br0 on eth0: ")
    both = check_trust(Pair(port, VF), [port, VF, switch], MACVLANS[:1])
    assert both is not None
    assert both.what.startswith(f"the {kind} br0 and 1 more MAC, as of macvlans, on eth0: ")


@pytest.mark.parametrize(
    ("synthetic", "vf"),
    [
        (ETH0, None),
        (ETH0, replace(VF, bus=None)),
        (replace(ETH0, driver="hv_netvsc"), VF),
    ],
    ids=["no VF", "no PCI device", "Hyper-V"],
)
def test_where_the_host_has_no_such_setting_there_is_no_finding(synthetic: Nic, vf: Nic | None) -> None:
    assert check_trust(Pair(synthetic, vf), [synthetic], MACVLANS) is None


def test_its_own_mac_needs_no_permission_nor_does_a_bond() -> None:
    bond = replace(BRIDGE, name="bond0", kind="bond")
    port = replace(ETH0, master=4)
    assert check_trust(Pair(ETH0, VF), [ETH0, VF, BRIDGE], []) is None, "that bridge has other ports"
    assert check_trust(Pair(port, VF), [port, VF, bond], []) is None
