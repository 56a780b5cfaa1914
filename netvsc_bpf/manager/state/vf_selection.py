# SPDX-License-Identifier: GPL-2.0-only
"""Selecting the VF of a pair. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from netvsc_bpf.datapath.options import AttachOptions
from netvsc_bpf.discovery.known import KnownPairs
from netvsc_bpf.discovery.lookup import find_by_name
from netvsc_bpf.discovery.pairing import Refusal, find_pair
from netvsc_bpf.model.errors import Refused
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.planner.observation import Joined, PairObservation


@dataclass(frozen=True, slots=True)
class Seen:
    """The observation of one pair, and what pairing refused."""

    pair: PairObservation
    refusals: tuple[Refusal, ...] = ()
    problem: Refused | None = None
    """Why there is no candidate although there are NICs that could be one."""


def choose(nics: Sequence[Nic], pair: PairObservation, options: AttachOptions, known: KnownPairs) -> Seen:
    """Have pairing select the VF, and put the result into the observation."""
    joined = pair.joined
    current = None if joined is None else joined.vf.ifindex
    # A VF that was named once stays accepted on any bus; a name that does not exist yet is waited for.
    named = find_by_name(nics, options.vf)
    if options.vf is not None and named is None and current is None:
        return Seen(pair)
    try:
        found = find_pair(
            nics if joined is None else _as_given(nics, pair, joined),
            pair.synthetic.name,
            vf=None if named is None else named.name,
            any_bus=options.any_bus or current is not None,
            current_vf=current,
            known=known,
        )
    except Refused as problem:
        return Seen(replace(pair, refused=True), problem=problem)
    vf = found.pair.vf
    candidate = None if vf is None else next(nic for nic in nics if nic.ifindex == vf.ifindex)
    return Seen(replace(pair, candidate=candidate), found.refusals)


def _as_given(nics: Sequence[Nic], pair: PairObservation, joined: Joined) -> list[Nic]:
    """Look for a joined VF by the MAC that it was last given.

    When the synthetic NIC's MAC changes, the pair must not be split before the VF's MAC has been changed too,
    unless that has been done already (hv_netvsc does it itself).
    """
    synthetic = pair.synthetic
    if joined.vf.mac == joined.followed.mac:
        synthetic = replace(synthetic, mac=joined.followed.mac)
    return [synthetic if nic.ifindex == synthetic.ifindex else nic for nic in nics]
