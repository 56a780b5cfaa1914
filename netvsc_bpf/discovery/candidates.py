# SPDX-License-Identifier: GPL-2.0-only
"""The NICs that could be the VF of a given synthetic NIC, and why the others could not. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from netvsc_bpf.discovery.eligibility import is_lent_vlan, is_paravirtual, why_unfit
from netvsc_bpf.discovery.refusal import Cause, Refusal
from netvsc_bpf.model.nic import Nic


@dataclass(frozen=True, slots=True)
class Candidates:
    """The other NICs with the MAC of a synthetic NIC, sorted out."""

    free: tuple[Nic, ...]
    """Could be the VF; what hv_netvsc itself enslaved to the synthetic NIC is among them."""
    taken: tuple[Nic, ...]
    """Could be the VF, but another master owns them."""
    refused: tuple[Refusal, ...]


def sort_out(
    nics: Iterable[Nic], synthetic: Nic, *, any_bus: bool = False, current_vf: int | None = None
) -> Candidates:
    """Part the NICs that carry the MAC of ``synthetic`` into candidates and refusals.

    ``current_vf`` (ifindex) is looked at even when its MAC has changed meanwhile.
    """
    free: list[Nic] = []
    taken: list[Nic] = []
    refused: list[Refusal] = []
    for nic in nics:
        current = nic.ifindex == current_vf
        if (
            is_lent_vlan(nic)
            or nic.ifindex == synthetic.ifindex
            or (nic.mac != synthetic.mac and not current)
        ):
            continue
        # The VF in use may have been named outright once: then its bus was never asked about.
        refusal = _refusal(nic, synthetic, any_bus=any_bus or current)
        if refusal is not None:
            refused.append(refusal)
        elif is_taken(nic, synthetic):
            taken.append(nic)
        else:
            free.append(nic)
    return Candidates(tuple(free), tuple(taken), tuple(refused))


def is_taken(nic: Nic, synthetic: Nic) -> bool:
    """Say whether a master other than ``synthetic`` (which hv_netvsc makes the VF's) owns ``nic``."""
    return nic.master is not None and nic.master != synthetic.ifindex


def _refusal(nic: Nic, synthetic: Nic, *, any_bus: bool) -> Refusal | None:
    """Say why ``nic`` cannot be the VF, whoever else is there."""
    unfit = why_unfit(nic)
    if unfit is not None:
        return Refusal(nic, unfit, Cause.UNFIT)
    if nic.mac != synthetic.mac:
        return Refusal(nic, f"its MAC is now {nic.mac}, not {synthetic.mac}", Cause.MAC_DIFFERS)
    if nic.bus != "pci" and not any_bus:
        where = f"on the {nic.bus} bus" if nic.bus else "on no bus"
        return Refusal(nic, f"it is {where}, not on PCI (--any-bus admits it)", Cause.NOT_PCI)
    if is_paravirtual(nic) and not any_bus:
        # vmxnet3 sits on PCI itself: the twin of a synthetic NIC is no VF.
        why = f"its driver {nic.driver} is paravirtual (--any-bus admits it)"
        return Refusal(nic, why, Cause.PARAVIRTUAL)
    return None
