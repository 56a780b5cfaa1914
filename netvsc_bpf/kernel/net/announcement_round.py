# SPDX-License-Identifier: GPL-2.0-only
"""Builds one round of announcements for a pair. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from netvsc_bpf.kernel.net.announced_devices import AddressedLink
from netvsc_bpf.kernel.net.announced_stations import Station
from netvsc_bpf.kernel.net.announcement_frames import gratuitous_arp, rarp, tagged, unsolicited_na

MOST = 256
"""MACs, and addresses, announced per interface by default."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """One frame, and whose it is."""

    ifindex: int
    """The interface to send it from."""
    frame: bytes
    station: bytes | None = None
    """The MAC of a station behind the interface; None: it is the interface's own."""
    claims: bool = False
    """It says which MAC has an IP address, so that receivers change their neighbour tables."""


def announcements(
    devices: Iterable[AddressedLink],
    stations: Iterable[Station],
    *,
    addresses: bool = False,
    most: int = MOST,
) -> list[Announcement]:
    """Return one round: RARP for each MAC, from each interface where it sends; at most `most` for each.

    With `addresses` an ARP announcement or neighbour advertisement for each address of `devices` too, again
    at most `most` for each interface.
    """
    found = []
    for one in devices:
        found.append(Announcement(one.link.ifindex, rarp(one.link.mac)))
        if addresses:
            found += _claims(one)[:most]
    sent: dict[int, int] = {}
    for station in stations:
        sent[station.ifindex] = sent.get(station.ifindex, 0) + 1
        if sent[station.ifindex] <= most:
            frame = tagged(rarp(station.mac), station.tag)
            found.append(Announcement(station.ifindex, frame, station.mac))
    return found


def _claims(one: AddressedLink) -> list[Announcement]:
    frames = [gratuitous_arp(one.link.mac, address) for address in one.ipv4]
    frames += [unsolicited_na(one.link.mac, address, router=one.link.router) for address in one.ipv6]
    return [Announcement(one.link.ifindex, frame, claims=True) for frame in frames]
