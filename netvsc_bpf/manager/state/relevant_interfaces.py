# SPDX-License-Identifier: GPL-2.0-only
"""Which interfaces are relevant for the pairs, from a full observation. Pure."""

from collections.abc import Iterable

from netvsc_bpf.discovery.known import KnownPair
from netvsc_bpf.kernel.net.link_event_filter import Identity, Interest
from netvsc_bpf.model import names
from netvsc_bpf.model.nic import Nic


def interest(
    nics: Iterable[Nic],
    synthetics: Iterable[Nic],
    attached: Iterable[KnownPair],
    wanted: Iterable[str],
    *,
    whole: bool = True,
) -> Interest:
    """Return what is relevant for the pairs of these synthetic NICs, and for attached pairs without NICs.

    `wanted` are names of past, present and future members of pairs. `whole`: all NICs are given.
    """
    every, known, pairs = list(nics), frozenset(wanted), list(attached)
    macs = {mac for nic in synthetics for mac in (nic.mac, nic.permanent_mac) if mac is not None}
    macs |= {pair.last_mac for pair in pairs if pair.last_mac is not None}
    members = {nic.ifindex for nic in every if _is_of(nic, macs, known)}
    members |= {one for pair in pairs for one in (pair.synthetic, pair.vf) if one is not None}
    while above := _directly_above(every, members) - members:
        members |= above
    return Interest(
        frozenset(members),
        frozenset(map(names.encode, known)),
        frozenset(map(_raw, macs)),
        {nic.ifindex: _identity(nic) for nic in every},
        whole,
    )


def _directly_above(nics: list[Nic], members: set[int]) -> set[int]:
    """Return the upper devices and the masters of members: also a VLAN device on a bridge above a NIC."""
    masters = {nic.master for nic in nics if nic.ifindex in members and nic.master is not None}
    return masters | {nic.ifindex for nic in nics if nic.link in members}


def _identity(nic: Nic) -> Identity:
    altnames = frozenset(map(names.encode, nic.altnames))
    return Identity(names.encode(nic.name), _raw(nic.mac), nic.master, altnames)


def _is_of(nic: Nic, macs: set[str], wanted: frozenset[str]) -> bool:
    if nic.mac in macs or nic.permanent_mac in macs:
        return True
    return not wanted.isdisjoint((nic.name, *nic.altnames))


def _raw(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))
