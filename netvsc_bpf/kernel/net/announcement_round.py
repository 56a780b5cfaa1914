# SPDX-License-Identifier: GPL-2.0-only
"""Builds one round of announcements for a pair. Pure."""

from netvsc_bpf.kernel.net.announcement_frames import gratuitous_arp, rarp, unsolicited_na
from netvsc_bpf.kernel.net.upper_devices import AddressedLink

MOST = 64
"""Addresses announced per interface by default."""


def frames(senders: list[AddressedLink], others: set[bytes], most: int = MOST) -> list[tuple[int, bytes]]:
    """Return one round: frames, each with the ifindex to send it from; at most `most` for each interface.

    `senders` begin with the synthetic NIC; `others` are the MACs that it listens to besides its own: guests,
    or macvlans in invisible namespaces. They, and senders without addresses, are announced by RARP.
    """
    round_: list[tuple[int, bytes]] = []
    announced = set()
    for sender in senders:
        link = sender.link
        announced.add(link.mac)
        own = [gratuitous_arp(link.mac, address) for address in sender.ipv4]
        own += [unsolicited_na(link.mac, address, router=link.router) for address in sender.ipv6]
        round_ += [(link.ifindex, frame) for frame in (own or [rarp(link.mac)])[:most]]
    if senders:
        hidden = sorted(others - announced)[:most]
        round_ += [(senders[0].link.ifindex, rarp(mac)) for mac in hidden]
    return round_
