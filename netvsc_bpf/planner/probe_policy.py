# SPDX-License-Identifier: GPL-2.0-only
"""Whom the probe asks, and how often: settings and their defaults."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated

from netvsc_bpf.model.errors import Refused
from netvsc_bpf.model.setting import Setting

MOST_TARGETS = 16
"""Of one pair; as many as bonding's arp_ip_target takes (BOND_MAX_ARP_TARGETS, include/net/bonding.h)."""
_BROADCAST = IPv4Address("255.255.255.255")


@dataclass(frozen=True, slots=True)
class Target:
    """A neighbour to ask, and the interface (ifindex) to ask it from: the synthetic NIC or a VLAN on it."""

    ifindex: int
    address: IPv4Address | IPv6Address


def _address(text: str) -> str:
    try:
        found = ip_address(text)
    except ValueError:
        raise Refused("cannot ask it", "is not an IP address", "such as 192.0.2.1 or fe80::1") from None
    if found.is_multicast or found.is_unspecified or found.is_loopback or found == _BROADCAST:
        raise Refused("cannot ask it", "is not the address of a neighbour", "such as 192.0.2.1 or fe80::1")
    return str(found)


@dataclass(frozen=True, slots=True)
class ProbePolicy:
    """While the VF is used, ask neighbours whether they can still be reached; a VF by which none can is left.

    Off by default: it sends frames, and the silence of a neighbour moves traffic. Needs CAP_NET_RAW.
    """

    enabled: Annotated[bool, Setting("Ask; needs CAP_NET_RAW.")] = False
    targets: Annotated[
        tuple[str, ...] | None,
        Setting(
            f"Whom to ask, at most {MOST_TARGETS}: addresses on the networks of the synthetic NIC and of "
            "VLANs on it; `auto` asks the next hops of the default routes through them.",
            most_entries=MOST_TARGETS,
            parse=_address,
            shape="IP addresses",
        ),
    ] = None
    interval_s: Annotated[float, Setting("Time between two questions, in seconds.", least=0.1, most=60)] = 1.0
    missed: Annotated[
        int,
        Setting("Questions in a row without an answer after which the VF is left.", least=1, most=100),
    ] = 3
