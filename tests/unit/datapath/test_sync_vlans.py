# SPDX-License-Identifier: GPL-2.0-only
"""The ids that have to be synced to a VF."""

from unittest.mock import MagicMock

import pytest

from netvsc_bpf.datapath.sync_vlans import Half, filtered, missing
from netvsc_bpf.kernel.net import vlan_devices
from netvsc_bpf.kernel.net.vlan_devices import C_TAG, S_TAG, Stacked, Vlan

SYNTHETIC, VF = Half(2, "eth0"), Half(3, "vf0")


def vlan(ifindex: int, on: int, number: int, protocol: int = C_TAG) -> Stacked:
    return Stacked(ifindex, f"vlan{ifindex}", on, Vlan(protocol, number))


def test_ids_that_the_vf_lacks_are_missing() -> None:
    there = [vlan(10, 2, 100), vlan(11, 2, 200), vlan(12, 2, 100, S_TAG), vlan(13, 3, 200)]
    assert missing(SYNTHETIC, VF, there) == [Vlan(C_TAG, 100), Vlan(S_TAG, 100)]


def test_synced_ids_are_not_missing() -> None:
    assert missing(SYNTHETIC, VF, [vlan(10, 2, 100), vlan(11, 3, 100)]) == []


@pytest.mark.parametrize(("name", "home_is_needed"), [("nvb3.100", True), ("nvb33.100", False)])
def test_s104_home_redirects_for_as_long_as_an_id_is_synced_to_the_vf(
    monkeypatch: pytest.MonkeyPatch, name: str, home_is_needed: bool
) -> None:
    """Its VLAN may have moved to another namespace, where it still needs its frames."""
    synced = Stacked(11, name, 3, Vlan(C_TAG, 100))
    monkeypatch.setattr(vlan_devices, "no_vlans", lambda: False)
    monkeypatch.setattr(vlan_devices, "stacked", lambda rtnl: [synced])
    monkeypatch.setattr(vlan_devices, "filtered", lambda vf, ids: sorted(ids))
    assert filtered(MagicMock(), SYNTHETIC, VF) is home_is_needed
