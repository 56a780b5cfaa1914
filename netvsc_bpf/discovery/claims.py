# SPDX-License-Identifier: GPL-2.0-only
"""Ranks the claims of synthetic NICs to a NIC that could be the VF of more than one. Pure.

hv_netvsc compares permanent addresses (get_netvsc_byslot()), which stay when a bond gives its ports one MAC.
Drivers without one (veth) omit IFLA_PERM_ADDRESS: then the original MAC of the last VF is used instead.
"""

from collections.abc import Iterable
from enum import IntEnum

from netvsc_bpf.discovery.eligibility import is_paravirtual
from netvsc_bpf.discovery.known import KnownPairs
from netvsc_bpf.model.nic import Nic


class Claim(IntEnum):
    """The strength of the evidence that a NIC is the VF of a synthetic NIC."""

    NONE = 0
    REMEMBERED = 1
    """It has the original MAC of the last VF, but the synthetic NIC has another one now."""
    MAC = 2
    """It has the MAC of the synthetic NIC."""
    MAC_AND_REMEMBERED = 3
    PERMANENT = 4
    """They have the same permanent address."""
    ENSLAVED = 5
    """hv_netvsc has enslaved it as the VF."""


def macs_of(synthetic: Nic, known: KnownPairs) -> set[str]:
    """Return the addresses of which a NIC must have one to be claimed by `synthetic`."""
    pair = known.of(synthetic.ifindex)
    macs = (synthetic.mac, synthetic.permanent_mac, None if pair is None else pair.last_mac)
    return {mac for mac in macs if mac is not None}


def claim(nic: Nic, synthetic: Nic, known: KnownPairs) -> Claim:
    """Return the claim of `synthetic` to `nic`.

    A NIC whose MAC is neither the synthetic NIC's nor its own original one was changed externally.
    """
    pair = known.of(synthetic.ifindex)
    remembered = pair is not None and pair.last_mac == nic.mac
    same = nic.mac == synthetic.mac
    permanent = nic.permanent_mac is not None and nic.permanent_mac == synthetic.permanent_mac
    permanent = permanent and (same or nic.mac == nic.permanent_mac)
    if nic.master == synthetic.ifindex and (same or permanent or remembered):
        return Claim.ENSLAVED
    if permanent:
        return Claim.PERMANENT
    if same:
        return Claim.MAC_AND_REMEMBERED if remembered else Claim.MAC
    return Claim.REMEMBERED if remembered else Claim.NONE


def strongest_rival(
    nic: Nic, synthetic: Nic, nics: Iterable[Nic], known: KnownPairs
) -> tuple[Nic | None, Claim]:
    """Return the other synthetic NIC with the strongest claim to `nic`, if there is one.

    A synthetic NIC that has a VF claims no other. Besides the known ones, every paravirtual NIC with the same
    permanent address counts, because it may be attached later.
    """
    found: tuple[Nic | None, Claim] = (None, Claim.NONE)
    for other in nics:
        pair = known.of(other.ifindex)
        if other.ifindex in (nic.ifindex, synthetic.ifindex) or (pair is not None and pair.vf is not None):
            continue
        if pair is None and not is_paravirtual(other):
            continue
        rank = claim(nic, other, known)
        if rank > found[1] and (pair is not None or rank >= Claim.PERMANENT):
            found = (other, rank)
    return found
