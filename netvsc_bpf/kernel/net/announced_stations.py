# SPDX-License-Identifier: GPL-2.0-only
"""Finds the stations whose frames leave by a synthetic NIC, and whose interfaces are not visible.

They are behind the other ports of a bridge above the NIC (guests, containers), or are macvlans in other
network namespaces and guests on a macvtap. The latter show only in the address list of the interface that
they are on, which does not say whether they send: so MACs of virtual routers (VRRP), whose backup listens to
them too, are left out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netvsc_bpf.kernel.net.address_lists import unicast_list
from netvsc_bpf.kernel.net.announced_devices import BridgePort, Stack
from netvsc_bpf.kernel.net.announcement_frames import Tag
from netvsc_bpf.kernel.net.bridge_fdb import FdbEntry, forwarding_table, port_vlans
from netvsc_bpf.kernel.net.link_info import MACVLAN
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.net.vlan_devices import C_TAG

_VIRTUAL_ROUTERS = (bytes.fromhex("00005e0001"), bytes.fromhex("00005e0002"))
"""RFC 9568, section 7.3: IPv4 and IPv6. Their master sends each second, so switches find it anyway."""


@dataclass(frozen=True, slots=True)
class Station:
    """A MAC, and how to send for it."""

    ifindex: int
    """The interface that its frames leave by."""
    mac: bytes
    tag: Tag | None = None
    """The tag that the bridge would add."""


def stations(rtnl: Rtnetlink, stack: Stack) -> list[Station]:
    """Return the stations above a synthetic NIC. Raises OSError."""
    known = {device.link.mac for device in stack.devices}
    found: list[Station] = []
    for where in stack.bridge_ports:
        entries = forwarding_table(rtnl, where.bridge.ifindex)
        vlans = None if where.bridge.info.vlan_protocol is None else port_vlans(rtnl, where.port.ifindex)
        behind = behind_bridge(where, entries, stack.links.keys(), vlans)
        found += [station for station in behind if station.mac not in known]
        known |= {entry.mac for entry in entries}  # a bridge adds its entries to the lists of its ports too
    # Upper ones first: a list is synced to those of the interfaces below, where the VLAN would be wrong.
    for device in reversed(stack.devices):
        if device.sends and device.link.info.kind != MACVLAN:
            listed = unicast_list(rtnl, device.link.ifindex)
            hidden = sorted(mac for mac in listed - known if not mac.startswith(_VIRTUAL_ROUTERS))
            found += [Station(device.link.ifindex, mac) for mac in hidden]
            known |= listed
    return found


def behind_bridge(
    where: BridgePort, entries: Iterable[FdbEntry], towards: Iterable[int], vlans: Mapping[int, bool] | None
) -> list[Station]:
    """Return the stations behind the other ports of a bridge. Pure.

    `towards` are the interfaces (ifindexes) of the stack: behind them is the fabric. `vlans` are those of the
    port towards the NIC, and whether it tags them; None if the bridge does not filter by VLAN.
    """
    not_behind = {*towards, where.bridge.ifindex}
    protocol = where.bridge.info.vlan_protocol or C_TAG
    found: set[tuple[bytes, Tag | None]] = set()
    for entry in entries:
        if not entry.station or entry.port in not_behind:
            continue
        if vlans is None and entry.vlan == 0:
            found.add((entry.mac, None))
        elif vlans is not None and entry.vlan in vlans:
            found.add((entry.mac, Tag(protocol, entry.vlan) if vlans[entry.vlan] else None))
    ordered = sorted(found, key=lambda one: (one[0], 0 if one[1] is None else one[1].vlan))
    return [Station(where.port.ifindex, mac, tag) for mac, tag in ordered]
