# SPDX-License-Identifier: GPL-2.0-only
"""Finds the NICs that could be the VF of a synthetic NIC, and why others could not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from netvsc_bpf.discovery.claims import Claim, claim, macs_of, strongest_rival
from netvsc_bpf.discovery.eligibility import is_paravirtual, is_synced_vlan, why_unfit
from netvsc_bpf.discovery.known import KnownPairs
from netvsc_bpf.discovery.lookup import name_of
from netvsc_bpf.discovery.refusal import Cause, Refusal
from netvsc_bpf.model.nic import Nic


@dataclass(frozen=True, slots=True)
class Candidates:
    """The other NICs with the MAC of a synthetic NIC, classified."""

    free: tuple[Nic, ...]
    """Could be the VF; includes a NIC that hv_netvsc itself enslaved to the synthetic NIC."""
    taken: tuple[Nic, ...]
    """Could be the VF, but have another master."""
    refused: tuple[Refusal, ...]
    disputed: tuple[tuple[Nic, Nic], ...] = ()
    """Could be the VF of this synthetic NIC, or equally of the other one in the tuple."""


def classify(
    nics: Sequence[Nic],
    synthetic: Nic,
    *,
    any_bus: bool = False,
    current_vf: int | None = None,
    known: KnownPairs,
) -> Candidates:
    """Classify the NICs that have the MAC of ``synthetic``, or the original one of its VF.

    ``current_vf`` (ifindex) is included even if its MAC has changed meanwhile. A member of one of the
    ``known`` pairs is refused, and so is a NIC to which another synthetic NIC has a stronger claim.
    """
    disputed: list[tuple[Nic, Nic]] = []
    free: list[Nic] = []
    taken: list[Nic] = []
    refused: list[Refusal] = []
    macs = macs_of(synthetic, known)
    for nic in nics:
        current = nic.ifindex == current_vf
        if not current and nic.mac not in macs and nic.permanent_mac not in macs:
            continue  # fast path: this is true for nearly all NICs
        if is_synced_vlan(nic) or nic.ifindex == synthetic.ifindex:
            continue
        mine = claim(nic, synthetic, known)
        if not (mine or current):
            continue
        # The VF in use may have been named explicitly: then its bus was not checked.
        other_half = None if current else why_in_other_pair(nic, synthetic, nics, known)
        refusal = _refusal(nic, synthetic, other_half, bool(mine), any_bus=any_bus or current)
        rival, theirs = None, Claim.NONE
        if refusal is None and not current:
            rival, theirs = strongest_rival(nic, synthetic, nics, known)
        if refusal is None and rival is not None and theirs > mine:
            refusal = Refusal(nic, f"it is more likely the VF of {rival.name}", Cause.OTHER_PAIR)
        if refusal is not None:
            refused.append(refusal)
        elif is_taken(nic, synthetic):
            taken.append(nic)
        elif rival is not None and theirs == mine:
            disputed.append((nic, rival))
        else:
            free.append(nic)
    return Candidates(tuple(free), tuple(taken), tuple(refused), tuple(disputed))


def is_taken(nic: Nic, synthetic: Nic) -> bool:
    """Return whether ``nic`` has a master other than ``synthetic``, which is the VF's master on hv_netvsc."""
    return nic.master is not None and nic.master != synthetic.ifindex


def why_in_other_pair(nic: Nic, synthetic: Nic, nics: Sequence[Nic], known: KnownPairs) -> str | None:
    """Return why ``nic`` is or will be a member of another pair, as the end of a sentence, or None."""
    pair = known.of(nic.ifindex)
    if pair is not None:
        how = "attached" if pair.attached else "going to be attached"
        return f"it is {how} as a synthetic NIC itself"
    owner = known.with_vf(nic.ifindex, but=synthetic.ifindex)
    if owner is not None:
        return f"it is the VF of {name_of(owner.synthetic, nics)}"
    owner = known.naming((nic.name, *nic.altnames), but=synthetic.ifindex)
    return None if owner is None else f"it is configured as the VF of {name_of(owner.synthetic, nics)}"


def _refusal(
    nic: Nic, synthetic: Nic, other_half: str | None, claimed: bool, *, any_bus: bool
) -> Refusal | None:
    """Return why ``nic`` cannot be the VF, independent of other candidates."""
    unfit = why_unfit(nic)
    if unfit is not None:
        return Refusal(nic, unfit, Cause.UNFIT)
    if other_half is not None:
        return Refusal(nic, other_half, Cause.OTHER_PAIR)
    if not claimed:
        return Refusal(nic, f"its MAC is now {nic.mac}, not {synthetic.mac}", Cause.MAC_DIFFERS)
    if nic.bus != "pci" and not any_bus:
        where = f", it is on the {nic.bus} bus" if nic.bus else ""
        return Refusal(nic, f"it is not a PCI device{where} (use --any-bus to allow it)", Cause.NOT_PCI)
    if is_paravirtual(nic) and not any_bus:
        # vmxnet3 is a PCI device itself: a second synthetic NIC with the same MAC is not a VF.
        why = f"its driver {nic.driver} is paravirtual (use --any-bus to allow it)"
        return Refusal(nic, why, Cause.PARAVIRTUAL)
    return None
