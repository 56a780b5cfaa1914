# SPDX-License-Identifier: GPL-2.0-only
"""Which NICs are managed, whatever they are called by now."""

from dataclasses import replace

from netvsc_bpf.datapath.options import AttachOptions
from netvsc_bpf.manager.state.config import InterfaceConfig, ManagerConfig
from netvsc_bpf.manager.state.managed_nics import Managed
from tests.unit.discovery.shapes import BRIDGE, NETVSC, VETH, VF


def test_name_that_no_interface_has_is_missing_until_one_has() -> None:
    managed = Managed(("eth0", "eth9"), any_bus=False)
    assert managed.among([VF], []) == [] and managed.missing() == ["eth0", "eth9"]
    assert managed.among([NETVSC, VF], []) == [NETVSC] and managed.missing() == ["eth9"]


def test_renamed_nic_stays_managed_as_long_as_it_is_there() -> None:
    managed = Managed(("eth0",), any_bus=False)
    managed.among([NETVSC], [])
    renamed, newcomer = replace(NETVSC, name="lan0"), replace(VETH, name="eth0")
    assert managed.among([renamed, newcomer], []) == [renamed]
    assert managed.among([newcomer], []) == [newcomer], "the first is gone, its name is free"


def test_nic_named_twice_is_managed_once() -> None:
    managed = Managed(("eth0", "lan0"), any_bus=False)
    managed.among([NETVSC], [])
    renamed = replace(NETVSC, name="lan0")
    assert managed.among([renamed], []) == [renamed]


def test_without_names_synthetic_nics_and_what_is_attached() -> None:
    managed = Managed((), any_bus=False)
    assert managed.among([NETVSC, VF, VETH, BRIDGE], [VETH.ifindex]) == [NETVSC, VETH]
    assert managed.missing() == []


def test_name_of_one_that_left_is_known_and_never_that_of_a_stranger() -> None:
    managed = Managed(("eth0",), any_bus=False)
    assert managed.last_name(NETVSC.ifindex) is None
    managed.among([NETVSC], [])
    managed.among([replace(NETVSC, name="lan0")], [])
    managed.among([VETH], [VETH.ifindex])
    assert managed.last_name(NETVSC.ifindex) == "eth0" and managed.last_name(VETH.ifindex) is None


def test_s87_nic_is_managed_by_its_alternative_name_and_stays_so_without_it() -> None:
    managed = Managed(("lan",), any_bus=False)
    named = replace(NETVSC, altnames=("enx0", "lan"))
    assert managed.among([named, VF], []) == [named] and managed.missing() == []
    assert managed.name(named) == "lan"
    # The alternative name is taken off, and another NIC is given it.
    assert managed.among([NETVSC, replace(VETH, name="lan")], []) == [NETVSC]


def test_s87_settings_of_an_interface_are_found_by_any_of_its_names() -> None:
    own = InterfaceConfig(AttachOptions(any_bus=True), 30)
    config = ManagerConfig(per_interface={"lan": own})
    assert config.of("eth0", "enx0", "lan") == own
    assert config.of("eth0") == InterfaceConfig(AttachOptions(), None)
