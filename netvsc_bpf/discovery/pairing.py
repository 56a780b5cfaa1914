# SPDX-License-Identifier: GPL-2.0-only
"""Finds the VF of a synthetic NIC. Pure: takes NICs, returns a Pair and the refusals.

hv_netvsc takes the first NIC that matches and silently ignores others; here a second one is refused with a
reason, and of two equal ones none is taken. hv_netvsc also compares the number of the PCI slot with the
serial that the host announced (vf_serial, get_netvsc_byslot()), but does not expose that serial. Only two
things are visible from outside the driver: whether it has enslaved a NIC already (then that is the VF), and
whether a NIC has a slot serial from the host at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from netvsc_bpf.discovery.candidates import Candidates, classify, is_taken, why_in_other_pair
from netvsc_bpf.discovery.claims import claim
from netvsc_bpf.discovery.eligibility import why_unfit
from netvsc_bpf.discovery.known import KnownPair, KnownPairs
from netvsc_bpf.discovery.lookup import by_name, describe_owner
from netvsc_bpf.discovery.refusal import Cause, Refusal
from netvsc_bpf.discovery.synthetics import check_synthetic, find_synthetics
from netvsc_bpf.model.errors import AmbiguousPairing, CrossedPairs, MacDiffers, NotAVf, VfInUse
from netvsc_bpf.model.names import quoted
from netvsc_bpf.model.nic import Nic, Pair

__all__ = ["Cause", "KnownPair", "KnownPairs", "Pairing", "Refusal", "find_pair", "find_synthetics"]


@dataclass(frozen=True, slots=True)
class Pairing:
    """A pair, and the NICs with its MAC that were not taken into it."""

    pair: Pair
    refusals: tuple[Refusal, ...] = ()


def find_pair(
    nics: Iterable[Nic],
    interface: str,
    *,
    vf: str | None = None,
    any_bus: bool = False,
    current_vf: int | None = None,
    known: KnownPairs | None = None,
) -> Pairing:
    """Return the pair whose synthetic NIC is called ``interface``; its VF is None if there is none now.

    ``vf`` names the VF explicitly. ``any_bus`` allows VFs that are not PCI devices. ``current_vf`` is the
    ifindex of the VF in use, which stays as long as it fits, even if other candidates appear. ``known`` are
    the other pairs, and what is known about this one: no NIC is a member of two pairs, because then a packet
    could loop for ever.

    Raises NoSuchNic (either name), NotASyntheticNic, NotAVf (``vf`` cannot be one), VfInUse (the only
    candidate has another master), CrossedPairs (``vf`` is a member of another pair), AmbiguousPairing
    (several equal candidates, or one that fits two synthetic NICs).
    """
    known = KnownPairs() if known is None else known
    every = sorted(nics, key=lambda nic: nic.ifindex)
    synthetic = by_name(every, interface)
    check_synthetic(synthetic, every, known)
    candidates = classify(every, synthetic, any_bus=any_bus, current_vf=current_vf, known=known)
    if vf is not None:
        named = by_name(every, vf)
        _check_named(named, synthetic, every, known)
        return Pairing(Pair(synthetic, named), _refusals(candidates, named, every))
    chosen = _choose(candidates, synthetic, every, current_vf, known)
    return Pairing(Pair(synthetic, chosen), _refusals(candidates, chosen, every))


def _check_named(named: Nic, synthetic: Nic, nics: Sequence[Nic], known: KnownPairs) -> None:
    """Refuse a VF that the user named but that cannot work; its bus is not checked."""
    what = f"{named.name} as VF of {synthetic.name}"
    if named.ifindex == synthetic.ifindex:
        raise NotAVf(what, "a NIC cannot be its own VF", "name the SR-IOV interface with --vf")
    unfit = why_unfit(named)
    if unfit is not None:
        raise NotAVf(what, unfit, "name the SR-IOV interface with --vf")
    crossed = why_in_other_pair(named, synthetic, nics, known)
    if crossed is not None:
        raise CrossedPairs(what, crossed, "detach that pair first, or name another VF")
    if not claim(named, synthetic, known):
        raise MacDiffers(
            what,
            f"its MAC is {named.mac}, not {synthetic.mac}, so the fabric would see another host",
            f"`ip link set dev {quoted(named.name)} address {synthetic.mac}`",
        )
    if is_taken(named, synthetic):
        raise _in_use(named, synthetic, nics)


def _choose(
    candidates: Candidates,
    synthetic: Nic,
    nics: Sequence[Nic],
    current_vf: int | None,
    known: KnownPairs,
) -> Nic | None:
    free = candidates.free
    if free:
        return _only(nic for nic in free if nic.ifindex == current_vf) or _most_likely(free, synthetic, known)
    if candidates.disputed:
        raise _disputed(candidates.disputed, synthetic)
    if candidates.taken:
        raise _in_use(candidates.taken[0], synthetic, nics)
    return None


def _most_likely(free: Sequence[Nic], synthetic: Nic, known: KnownPairs) -> Nic:
    """Return the only candidate, or the one with the strongest claim, or else the one with a slot serial."""
    best = max(claim(nic, synthetic, known) for nic in free)
    chosen = (
        _only(free)
        or _only(nic for nic in free if claim(nic, synthetic, known) == best)
        or _only(nic for nic in free if nic.serial is not None)
    )
    if chosen is not None:
        return chosen
    names = tuple(nic.name for nic in free)
    raise AmbiguousPairing(
        f"VF of {synthetic.name}",
        f"{', '.join(names)} all carry its MAC {synthetic.mac}",
        "choose one with --vf",
        candidates=names,
    )


def _disputed(disputed: Sequence[tuple[Nic, Nic]], synthetic: Nic) -> AmbiguousPairing:
    names = tuple(nic.name for nic, _ in disputed)
    rival = disputed[0][1]
    return AmbiguousPairing(
        f"VF of {synthetic.name}",
        f"{', '.join(names)} could equally be that of {rival.name}",
        f"choose one with --vf, or `vf =` in [interface.{synthetic.name}]",
        candidates=names,
    )


def _refusals(candidates: Candidates, chosen: Nic | None, nics: Sequence[Nic]) -> tuple[Refusal, ...]:
    """Return why each of the other candidates was not chosen. Without a chosen one there are no others."""
    if chosen is None:
        return candidates.refused
    second = f"it is a second VF, {chosen.name} is the one in use"
    left = [Refusal(nic, second, Cause.SECOND_VF) for nic in candidates.free]
    left += [
        Refusal(nic, f"it belongs to {describe_owner(nic, nics)}", Cause.IN_USE) for nic in candidates.taken
    ]
    # A VF that was named explicitly may be among those that would otherwise be refused.
    return tuple(one for one in (*candidates.refused, *left) if one.nic.ifindex != chosen.ifindex)


def _in_use(nic: Nic, synthetic: Nic, nics: Sequence[Nic]) -> VfInUse:
    return VfInUse(
        f"{nic.name} as VF of {synthetic.name}",
        f"it belongs to {describe_owner(nic, nics)}",
        f"`ip link set dev {quoted(nic.name)} nomaster`",
    )


def _only(nics: Iterable[Nic]) -> Nic | None:
    found = list(nics)
    return found[0] if len(found) == 1 else None
