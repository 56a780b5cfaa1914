# SPDX-License-Identifier: GPL-2.0-only
"""Finds the VF of a pair for attach, and what speaks against using it."""

from dataclasses import replace

from netvsc_bpf.datapath.known_pairs import known_pairs
from netvsc_bpf.datapath.options import AttachOptions
from netvsc_bpf.datapath.pairs import guard_link, own_program
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.discovery.known import KnownPairs
from netvsc_bpf.discovery.lookup import by_name, find_by_name
from netvsc_bpf.discovery.pairing import Pairing, find_pair
from netvsc_bpf.discovery.xdp_reach import bypassed_xdp_program
from netvsc_bpf.kernel.bpf import abi, attach_notes
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.model.nic import Nic, Pair
from netvsc_bpf.model.path import Reason

_HELD_BACK = frozenset({Reason.DAMPED, Reason.STALLED, Reason.UNREACHABLE, Reason.NO_CARRIER})


def known_to_attach(session: Session, loaded: LoadedObject) -> KnownPairs:
    """Return the attached pairs, with the VFs that were named for them."""
    known = known_pairs(session, loaded)
    for pair in list(known):
        known.note(replace(pair, named_vf=attach_notes.read(session.pins, pair.synthetic).vf))
    return known


def find_vf(
    session: Session, interface: str, options: AttachOptions, known: KnownPairs, *, waits: bool
) -> Pairing:
    """Return the pair of an interface; `waits`: a VF that is named, but does not exist now, is waited for.

    Raises as find_pair() does.
    """
    synthetic = by_name(session.nics, interface)
    before = known.of(synthetic.ifindex)
    current = None if before is None else session.nic(before.vf)
    absent = waits and options.vf is not None and find_by_name(session.nics, options.vf) is None
    found = find_pair(
        session.nics,
        interface,
        vf=None if absent else options.vf,
        # A VF that was named once stays accepted on any bus, also after it was renamed.
        any_bus=options.any_bus or (absent and current is not None),
        current_vf=None if before is None else before.vf,
        known=known,
    )
    if absent and (found.pair.vf is None or found.pair.vf != current):
        return Pairing(Pair(found.pair.synthetic, None), found.refusals)
    return found


def held_back(loaded: LoadedObject, slot: int, vf: Nic) -> Reason | None:
    """Return why a manager may be holding this VF back, None if none does: it ends that itself, in time."""
    state = loaded.pair(slot)
    if state.permitted or loaded.vf_ifindex(slot) != vf.ifindex:
        return None
    reason = abi.REASONS[state.reason]
    return reason if reason in _HELD_BACK else None


def bypasses_xdp(session: Session, pair: Pair) -> bool:
    """Return whether frames received by the VF would bypass a foreign XDP program of the synthetic NIC."""
    synthetic, vf = pair.synthetic, pair.vf
    # guard may have been detached since the NIC was read.
    was_guard = synthetic.xdp_prog_id == own_program(session, synthetic.ifindex, "guard")
    guarded = was_guard or guard_link(session, synthetic.ifindex) is not None
    return vf is not None and bypassed_xdp_program(synthetic, vf, guarded=guarded) is not None
