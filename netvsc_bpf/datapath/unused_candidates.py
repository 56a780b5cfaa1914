# SPDX-License-Identifier: GPL-2.0-only
"""Why a pair without a VF has none although NICs with its MAC are there."""

from collections.abc import Iterator
from dataclasses import replace

from netvsc_bpf.datapath.find_vf import find_vf, known_to_attach
from netvsc_bpf.datapath.options import AttachOptions, applied
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.discovery.known import KnownPairs
from netvsc_bpf.discovery.refusal import Cause
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.model.attach_choice import AttachChoice
from netvsc_bpf.model.errors import Refused
from netvsc_bpf.model.status import PairStatus

_EVERYDAY = frozenset({Cause.UNFIT, Cause.OTHER_PAIR})
"""A VLAN of the pair has its MAC too, and so have the ports of a bond."""


def with_unused(session: Session, loaded: LoadedObject, pairs: list[PairStatus]) -> list[PairStatus]:
    """Return the pairs; those without a VF with the NICs that could be one, and why they are not used."""
    known = known_to_attach(session, loaded)
    return [
        pair if pair.vf is not None else replace(pair, unused=tuple(_unused(session, pair, known)))
        for pair in pairs
    ]


def _unused(session: Session, pair: PairStatus, known: KnownPairs) -> Iterator[str]:
    options = applied(AttachOptions(), pair.chosen or AttachChoice())
    try:
        found = find_vf(session, pair.synthetic.name, options, known, waits=True)
    except Refused as refused:
        yield f"{refused.what}: {refused.why}"
        return
    for refusal in found.refusals:
        if refusal.cause not in _EVERYDAY:
            yield f"{refusal.nic.name} is not used: {refusal.reason}"
    if found.pair.vf is not None:
        yield f"{found.pair.vf.name} fits, and has not joined yet"
