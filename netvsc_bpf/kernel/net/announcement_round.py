# SPDX-License-Identifier: GPL-2.0-only
"""What is announced of a pair at one time. Pure."""

from netvsc_bpf.kernel.net.announcement_frames import gratuitous_arp, rarp, unsolicited_na
from netvsc_bpf.kernel.net.upper_devices import AddressedLink

MOST = 64
"""Addresses told for each interface, unless a policy says otherwise."""


def frames(speakers: list[AddressedLink], others: set[bytes], most: int = MOST) -> list[tuple[int, bytes]]:
    """Return one round: frames, each with the interface to send it from; `most` addresses for each.

    `speakers` begin with the synthetic NIC; `others` are the MACs that it listens to beside its own: guests
    or macvlans whose namespace we cannot see. They, and speakers without addresses, are told of by RARP.
    """
    round_: list[tuple[int, bytes]] = []
    told = set()
    for speaker in speakers:
        link = speaker.link
        told.add(link.mac)
        own = [gratuitous_arp(link.mac, address) for address in speaker.ipv4]
        own += [unsolicited_na(link.mac, address, router=link.router) for address in speaker.ipv6]
        round_ += [(link.ifindex, frame) for frame in (own or [rarp(link.mac)])[:most]]
    if speakers:
        hidden = sorted(others - told)[:most]
        round_ += [(speakers[0].link.ifindex, rarp(mac)) for mac in hidden]
    return round_
