# SPDX-License-Identifier: GPL-2.0-only
"""Whom the probe of a pair asks, and from which interface and address."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address, ip_interface

from netvsc_bpf.kernel.net.addresses_and_routes import own_addresses
from netvsc_bpf.kernel.net.announced_devices import stack_of
from netvsc_bpf.kernel.net.default_routes import next_hops
from netvsc_bpf.kernel.net.neighbour_frames import arp_request, solicitation
from netvsc_bpf.kernel.net.neighbours import neighbours
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.net.upper_devices import Link
from netvsc_bpf.planner.probe_policy import MOST_TARGETS, ProbePolicy, Target

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Device:
    """The synthetic NIC, or a VLAN device or macvlan on it."""

    ifindex: int
    name: str
    mac: bytes
    addresses: tuple[IPv4Interface | IPv6Interface, ...] = ()
    next_hops: tuple[Address, ...] = ()
    """Of the default routes through it."""
    neighbours: Mapping[Address, bytes] = field(default_factory=dict)
    """MACs, of those that the kernel has heard from."""

    def reaches(self, address: Address) -> bool:
        """Return whether an address is on a network of the device, or a next hop through it (`onlink`)."""
        # No device of its own is a neighbour.
        own = any(one.ip == address for one in self.addresses)
        return not own and (
            address in self.next_hops or any(address in one.network for one in self.addresses)
        )


@dataclass(frozen=True, slots=True)
class Targets:
    """The targets of one pair. The first device is the synthetic NIC."""

    devices: Mapping[int, Device] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()
    unreached: tuple[str, ...] = ()
    """Configured addresses that are on no network of these devices: they are not asked."""

    @property
    def heard(self) -> dict[Target, bytes]:
        """The MACs of the targets that the kernel has heard from."""
        known = ((one, self.devices[one.ifindex].neighbours.get(one.address)) for one in self.targets)
        return {target: mac for target, mac in known if mac is not None}

    @property
    def names(self) -> tuple[str, ...]:
        """The targets for people: 192.0.2.1, or 192.0.2.1%eth0.5 from another device than the first."""
        first = next(iter(self.devices), 0)
        return tuple(
            f"{one.address}" if one.ifindex == first else f"{one.address}%{self.devices[one.ifindex].name}"
            for one in self.targets
        )

    def question(self, target: Target, mac: bytes | None) -> bytes | None:
        """Return the frame that asks a target, by its MAC or all hosts; None without a usable address."""
        device = self.devices[target.ifindex]
        match target.address:
            case IPv4Address() as address:
                return arp_request(device.mac, _source(device, address), address, mac)
            case IPv6Address() as address:
                sender = _source6(device, address)
                return None if sender is None else solicitation(device.mac, sender, address, mac)


def choose(policy: ProbePolicy, devices: Sequence[Device]) -> Targets:
    """Return the targets among the configured addresses, or the next hops. Pure."""
    unreached: list[str] = []
    if policy.targets is None:
        chosen = _next_hops(devices)
    else:
        found = {text: _configured(text, devices) for text in policy.targets}
        chosen = [target for target in found.values() if target is not None]
        unreached = [text for text, target in found.items() if target is None]
    by_ifindex = {one.ifindex: one for one in devices}
    return Targets(by_ifindex, tuple(dict.fromkeys(chosen))[:MOST_TARGETS], tuple(unreached))


def read(rtnl: Rtnetlink, ifindex: int, links: Mapping[int, Link]) -> list[Device]:
    """Return the devices of a pair, the synthetic NIC first. Raises OSError."""
    found = []
    for link in asking_links(ifindex, links):
        one = link.ifindex
        own = tuple(ip_interface(address) for address in own_addresses(rtnl, one))
        hops = tuple(next_hops(rtnl, one))
        found.append(Device(one, link.name, link.mac, own, hops, neighbours(rtnl, one)))
    return found


def asking_links(ifindex: int, links: Mapping[int, Link]) -> Iterator[Link]:
    """Yield the synthetic NIC and the devices on it that send by it alone: not by bridges and bonds above it.

    What answers those may be behind another of their ports.
    """
    on_it = {ifindex}
    for device in stack_of(ifindex, links).devices:
        link = device.link
        if link.ifindex == ifindex or link.on in on_it:
            on_it.add(link.ifindex)
            if device.sends and link.uses_arp:
                yield link


def _next_hops(devices: Iterable[Device]) -> list[Target]:
    return [Target(one.ifindex, address) for one in devices for address in one.next_hops]


def _configured(text: str, devices: Sequence[Device]) -> Target | None:
    whole, _, zone = text.partition("%")
    address = ip_address(whole)
    # Every device has the network of link-local addresses: without a zone the synthetic NIC is meant.
    there = (one for one in devices if one.reaches(address) and zone in ("", one.name))
    return next((Target(one.ifindex, address) for one in there), None)


def _source(device: Device, target: IPv4Address) -> IPv4Address | None:
    own = [one for one in device.addresses if isinstance(one, IPv4Interface)]
    return next((one.ip for one in own if target in one.network), own[0].ip if own else None)


def _source6(device: Device, target: IPv6Address) -> IPv6Address | None:
    """Return an address of the device: the link-local one reaches every neighbour."""
    own = [one.ip for one in device.addresses if isinstance(one, IPv6Interface)]
    return next((one for one in own if one.is_link_local), own[0] if own else None)
