# SPDX-License-Identifier: GPL-2.0-only
"""Which interfaces above a synthetic NIC have a MAC to announce. Pure.

A switch believes an announcement, so only MACs that send by this NIC anyway are announced. An interface that
is up proves nothing: the MAC of a VRRP backup is on an interface that is up, without addresses (keepalived)
or switched off by IFLA_PROTO_DOWN (FRR), and announcing it would take the virtual router from its master. So
an interface needs an address beyond the IPv6 link-local one, which the kernel gives to every interface that
is up; or it has the NIC's own MAC.

Walked are VLANs and macvlans, a bridge whose port can forward, and a bond in mode active-backup that uses the
NIC. A bond of another kind sends by any of its ports, and Open vSwitch keeps its tables to itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from netvsc_bpf.kernel.net.link_info import BOND, BRIDGE, VLAN
from netvsc_bpf.kernel.net.upper_devices import Link

Addresses = Mapping[int, Sequence[IPv4Address | IPv6Address]]
"""Usable addresses, by interface (ifindex)."""


@dataclass(frozen=True, slots=True)
class Device:
    """The synthetic NIC or an interface above it."""

    link: Link
    segment: int
    """The interface (ifindex) that decides the VLAN tags of its frames, the same for all of a segment."""
    sends: bool
    """Frames that it sends leave by the synthetic NIC."""


@dataclass(frozen=True, slots=True)
class BridgePort:
    """A bridge above the synthetic NIC, and its port towards it."""

    bridge: Link
    port: Link


@dataclass(frozen=True, slots=True)
class Stack:
    """The synthetic NIC and what is above it."""

    devices: tuple[Device, ...] = ()
    """The NIC first, lower ones before upper ones; empty if there is no such NIC."""
    bridge_ports: tuple[BridgePort, ...] = ()

    @property
    def links(self) -> dict[int, Link]:
        """The interfaces by ifindex."""
        return {device.link.ifindex: device.link for device in self.devices}


@dataclass(frozen=True, slots=True)
class AddressedLink:
    """A link whose MAC is announced, and its usable addresses."""

    link: Link
    ipv4: tuple[IPv4Address, ...] = ()
    ipv6: tuple[IPv6Address, ...] = ()


def stack_of(ifindex: int, links: Mapping[int, Link]) -> Stack:
    """Return the NIC and everything above it in this namespace."""
    walk = _Walk(links)
    if ifindex in links:
        walk.visit(links[ifindex], ifindex, lower_sends=True)
    return Stack(tuple(walk.devices.values()), tuple(walk.bridge_ports))


def announced_devices(stack: Stack, addresses: Addresses) -> list[AddressedLink]:
    """Return the interfaces whose MAC is announced, the NIC first; none if the NIC itself sends nothing."""
    found, seen = [], set()
    for device in stack.devices:
        link, own = device.link, stack.devices[0].link
        known_to_send = link is own or (link.info.kind == VLAN and link.mac == own.mac)
        here = addresses.get(link.ifindex, ())
        if not device.sends or not (known_to_send or (link.uses_arp and any(map(_is_assigned, here)))):
            continue
        if (device.segment, link.mac) not in seen:
            seen.add((device.segment, link.mac))
            found.append(
                AddressedLink(
                    link,
                    tuple(one for one in here if isinstance(one, IPv4Address)),
                    tuple(one for one in here if isinstance(one, IPv6Address)),
                )
            )
    return found


def _is_assigned(address: IPv4Address | IPv6Address) -> bool:
    return isinstance(address, IPv4Address) or not address.is_link_local


@dataclass(slots=True)
class _Walk:
    links: Mapping[int, Link]
    devices: dict[int, Device] = field(default_factory=dict)
    bridge_ports: list[BridgePort] = field(default_factory=list)

    def visit(self, link: Link, segment: int, *, lower_sends: bool) -> None:
        if link.ifindex in self.devices:
            return
        sends = lower_sends and link.up and not link.proto_down and not link.info.standby
        self.devices[link.ifindex] = Device(link, segment, sends)
        for upper in self._directly_above(link):
            inner = upper.ifindex if upper.info.kind == VLAN else segment
            self.visit(upper, inner, lower_sends=sends)
        master = None if link.master is None else self.links.get(link.master)
        if master is None or not sends:
            return
        if master.info.kind == BRIDGE:
            if master.up:
                self.bridge_ports.append(BridgePort(master, link))
            inner = segment if master.info.vlan_protocol is None else master.ifindex
            self.visit(master, inner, lower_sends=sends)
        elif master.info.kind == BOND and master.info.active_port == link.ifindex:
            self.visit(master, segment, lower_sends=sends)

    def _directly_above(self, link: Link) -> Iterator[Link]:
        for upper in self.links.values():
            if upper.on == link.ifindex and upper.ifindex != link.ifindex:
                yield upper
