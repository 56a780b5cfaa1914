# SPDX-License-Identifier: GPL-2.0-only
"""Decides which NICs can be the synthetic member of a pair, and finds those for `attach --all`. Pure."""

from collections.abc import Iterable, Sequence

from netvsc_bpf.discovery.eligibility import is_paravirtual, why_unfit
from netvsc_bpf.discovery.known import KnownPairs
from netvsc_bpf.discovery.lookup import name_of
from netvsc_bpf.model.errors import NotASyntheticNic
from netvsc_bpf.model.names import as_argument
from netvsc_bpf.model.nic import Nic


def find_synthetics(nics: Iterable[Nic], *, any_bus: bool = False) -> list[Nic]:
    """Return the NICs that `attach --all` means, by ifindex.

    Every hv_netvsc, with or without a VF: Hyper-V adds VFs at any time. Other paravirtual NICs if another
    NIC could be their VF: most virtio NICs never have one. With ``any_bus`` also the NIC with the lowest
    ifindex of each group that shares a MAC and contains no paravirtual one.
    """
    fit = sorted((nic for nic in nics if why_unfit(nic) is None), key=lambda nic: nic.ifindex)
    return [nic for nic in fit if _is_synthetic(nic, _twins(nic, fit), any_bus)]


def check_synthetic(nic: Nic, nics: Sequence[Nic], known: KnownPairs) -> None:
    """Raise NotASyntheticNic unless ``nic`` can be the synthetic member of a pair.

    A NIC that is itself the port of a bridge or bond can: its addresses may be on the master. The VF of one
    of the ``known`` pairs cannot, nor can one that the configuration names as such.
    """
    unfit = why_unfit(nic)
    if unfit is not None:
        raise NotASyntheticNic(nic.name, unfit, "name the paravirtual NIC itself")
    owner = known.with_vf(nic.ifindex, but=nic.ifindex)
    if owner is not None:
        name = name_of(owner.synthetic, nics)
        remedy = f"name {name} instead, or `netvsc-bpf detach {as_argument(name)}` first"
        raise NotASyntheticNic(nic.name, f"it is the VF of another pair, that of {name}", remedy)
    owner = known.naming((nic.name, *nic.altnames), but=nic.ifindex)
    if owner is not None:
        name = name_of(owner.synthetic, nics)
        raise NotASyntheticNic(nic.name, f"it is configured as the VF of {name}", f"name {name} instead")
    pair = known.of(nic.ifindex)
    attached = pair is not None and pair.attached
    for twin in _twins(nic, nics):
        if nic.master == twin.ifindex or (
            nic.bus == "pci" and is_paravirtual(twin) and not is_paravirtual(nic)
        ):
            raise NotASyntheticNic(nic.name, f"it is the VF of {twin.name}", f"name {twin.name} instead")
        other = known.of(twin.ifindex)
        # One that has a VF needs no other: two pairs may have the same MAC.
        lacks_a_vf = other is not None and other.attached and other.vf is None
        if lacks_a_vf and not attached and not _have_different_originals(nic, twin):
            why = f"it has the MAC of {twin.name}, which is attached, and could be its VF"
            raise NotASyntheticNic(
                nic.name,
                why,
                f"name {twin.name} alone, or `netvsc-bpf detach {as_argument(twin.name)}` first",
            )


def _is_synthetic(nic: Nic, twins: Sequence[Nic], any_bus: bool) -> bool:
    if any(nic.master == twin.ifindex for twin in twins):
        # net_failover's standby: the failover NIC above it has the addresses and is the one to attach to.
        return False
    if nic.driver == "hv_netvsc":
        return True
    # Of equal NICs the first one: two that had each other as VF would form a loop.
    alike = (twin for twin in twins if is_paravirtual(twin) == is_paravirtual(nic))
    rivals = (twin for twin in alike if not _have_different_originals(nic, twin))
    if any(rival.ifindex < nic.ifindex and rival.master != nic.ifindex for rival in rivals):
        return False
    if is_paravirtual(nic):
        return any(any_bus or (twin.bus == "pci" and not is_paravirtual(twin)) for twin in twins)
    return any_bus and bool(twins) and not any(is_paravirtual(twin) for twin in twins)


def _have_different_originals(one: Nic, other: Nic) -> bool:
    """Return whether two NICs with the same MAC have different permanent ones, as two pairs in a bond."""
    both = one.permanent_mac is not None and other.permanent_mac is not None
    return both and one.permanent_mac != other.permanent_mac


def _twins(nic: Nic, nics: Iterable[Nic]) -> list[Nic]:
    """Return the other NICs with the same MAC that could be a member of a pair."""
    return [
        other
        for other in nics
        if other.mac == nic.mac and other.ifindex != nic.ifindex and why_unfit(other) is None
    ]
