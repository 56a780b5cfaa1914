# SPDX-License-Identifier: GPL-2.0-only
"""What IFLA_LINKINFO says, as `ip -d link` shows it."""

import struct

import pytest

from netvsc_bpf.kernel.net.link_info import LinkInfo, parse
from netvsc_bpf.kernel.net.rtnetlink import attribute


def u32(value: int) -> bytes:
    return struct.pack("=I", value)


def test_hardware_has_no_kind() -> None:
    assert parse({}) == LinkInfo()


def test_bridge_filters_by_vlan_or_not() -> None:
    protocol = attribute(8, b"\x88\xa8")
    assert parse({1: b"bridge\0", 2: attribute(7, b"\1") + protocol}) == LinkInfo("bridge", 0x88A8)
    assert parse({1: b"bridge\0", 2: attribute(7, b"\0") + protocol}) == LinkInfo("bridge")
    assert parse({1: b"other\0", 2: attribute(7, b"\1")}) == LinkInfo("other")


@pytest.mark.parametrize(("state", "standby"), [(0, True), (1, True), (2, True), (3, False), (4, True)])
def test_bridge_port_that_does_not_forward_is_on_standby(state: int, standby: bool) -> None:
    port = {1: b"veth\0", 4: b"bridge\0", 5: attribute(1, bytes([state]))}
    assert parse(port) == LinkInfo("veth", standby=standby)


def test_bond_has_an_active_port_in_mode_active_backup_alone() -> None:
    active = attribute(2, u32(7))
    assert parse({1: b"bond\0", 2: attribute(1, b"\1") + active}).active_port == 7
    assert parse({1: b"bond\0", 2: attribute(1, b"\1")}).active_port is None
    assert parse({1: b"bond\0", 2: attribute(1, b"\6") + active}).active_port is None  # balance-alb


@pytest.mark.parametrize(("state", "standby"), [(0, False), (1, True)])
def test_backup_port_of_a_bond_is_on_standby(state: int, standby: bool) -> None:
    assert parse({4: b"bond\0", 5: attribute(1, bytes([state]))}) == LinkInfo(standby=standby)
