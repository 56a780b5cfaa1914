# SPDX-License-Identifier: GPL-2.0-only
"""Which stations are announced, from which interface, with which tag."""

from typing import Any

import pytest

from netvsc_bpf.kernel.net import announced_stations
from netvsc_bpf.kernel.net.announced_devices import BridgePort, stack_of
from netvsc_bpf.kernel.net.announced_stations import Station, behind_bridge, stations
from netvsc_bpf.kernel.net.announcement_frames import Tag
from netvsc_bpf.kernel.net.bridge_fdb import FdbEntry
from netvsc_bpf.kernel.net.upper_devices import Link
from tests.unit.kernel.net.stack_shapes import ETH0, ETH0_MAC, by_ifindex, link, mac

GUEST, OTHER = mac(0xC0), mac(0xC1)
TO_FABRIC = link(2, address=ETH0_MAC, master=9)
BRIDGE, FILTERING = link(9, "bridge"), link(9, "bridge", info={"vlan_protocol": 0x8100})
VRRP = bytes.fromhex("00005e000133")


def entry(address: bytes = GUEST, port: int = 5, vlan: int = 0, *, station: bool = True) -> FdbEntry:
    return FdbEntry(address, port, vlan, station)


def behind(*entries: FdbEntry) -> list[Station]:
    return behind_bridge(BridgePort(BRIDGE, TO_FABRIC), entries, {2, 9}, None)


def test_s79_stations_behind_the_other_ports_are_announced_from_the_port_towards_the_nic() -> None:
    assert behind(entry(OTHER), entry(GUEST, port=6)) == [Station(2, GUEST), Station(2, OTHER)]


@pytest.mark.parametrize(
    "one",
    [entry(port=2), entry(port=9), entry(station=False), entry(vlan=7)],
    ids=["fabric", "bridge", "expired", "vlan-of-before"],
)
def test_s79_nothing_else_in_the_table_is_announced(one: FdbEntry) -> None:
    assert behind(one) == []


def test_s79_station_is_announced_in_each_vlan_that_the_port_has() -> None:
    entries = [entry(vlan=vlan) for vlan in (1, 7, 8)]
    found = behind_bridge(BridgePort(FILTERING, TO_FABRIC), entries, {2, 9}, {1: False, 7: True})
    assert found == [Station(2, GUEST), Station(2, GUEST, Tag(0x8100, 7))]


class Tables:
    """What the kernel would answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fdb: list[FdbEntry] = []
        self.lists: dict[int, set[bytes]] = {}
        monkeypatch.setattr(announced_stations, "forwarding_table", lambda rtnl, bridge: self.fdb)
        monkeypatch.setattr(announced_stations, "unicast_list", self._listed)

    def _listed(self, _: object, ifindex: int) -> set[bytes]:
        return self.lists.get(ifindex, set())

    def stations(self, *links: Link) -> list[Station]:
        rtnl: Any = None
        return stations(rtnl, stack_of(2, by_ifindex(*links)))


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Tables:
    return Tables(monkeypatch)


def test_macvlans_elsewhere_are_announced_and_visible_ones_are_not_taken_for_them(tables: Tables) -> None:
    backup = link(3, "macvlan", on=2)
    tables.lists = {2: {OTHER, backup.mac}}
    assert tables.stations(ETH0, backup) == [Station(2, OTHER)]


def test_s84_virtual_router_that_may_be_a_backup_is_not_announced(tables: Tables) -> None:
    tables.lists = {2: {VRRP, bytes.fromhex("00005e000201")}}
    assert tables.stations(ETH0) == []


def test_hidden_macvlan_on_a_vlan_is_announced_there_alone(tables: Tables) -> None:
    tables.lists = {2: {OTHER}, 5: {OTHER}}  # vlan_dev_set_rx_mode() syncs the list
    assert tables.stations(ETH0, link(5, "vlan", ETH0_MAC, on=2)) == [Station(5, OTHER)]


def test_addresses_that_a_bridge_gives_its_ports_are_not_stations(tables: Tables) -> None:
    port_mac = mac(5)
    tables.fdb = [entry(), entry(port_mac, station=False)]
    tables.lists = {2: {port_mac, GUEST}}
    assert tables.stations(TO_FABRIC, BRIDGE) == [Station(2, GUEST)]


def test_lists_of_interfaces_that_send_nothing_are_not_read(tables: Tables) -> None:
    tables.lists = {2: {OTHER}}
    assert tables.stations(link(2, up=False)) == []
