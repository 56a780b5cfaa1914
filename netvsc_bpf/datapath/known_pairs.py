# SPDX-License-Identifier: GPL-2.0-only
"""Reads the attached pairs from the maps, for pairing."""

from dataclasses import replace

from netvsc_bpf.datapath.session import Session
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.discovery.known import KnownPair, KnownPairs
from netvsc_bpf.kernel.bpf.abi import Found
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject


def known_pairs(session: Session, loaded: LoadedObject | None) -> KnownPairs:
    """Return the attached pairs of this thread's network namespace; none if nothing is loaded."""
    known = KnownPairs()
    if loaded is None:
        return known
    for ifindex in session.attached():
        refresh_known(known, loaded, ifindex)
        pair = known.of(ifindex)
        if pair is not None and pair.vf is None and (vf := _vf_removed_since(session, loaded, ifindex)):
            known.note(replace(pair, vf=vf))
    return known


def _vf_removed_since(session: Session, loaded: LoadedObject, ifindex: int) -> int | None:
    """Return the VF of a pair that was there when the session listed the NICs, and was removed since.

    It is no longer in the DEVMAP (dev_map_notification(), kernel/bpf/devmap.c), so among these NICs it would
    look like one without a pair. The MAC distinguishes it from another NIC that has its ifindex by now.
    """
    slot = find_pair_slot(loaded, ifindex)
    if slot is None:
        return None
    found = loaded.found(slot)
    nic = session.nic(found.vf_ifindex)
    return None if nic is None or nic.mac != bytes(found.followed_mac[:6]).hex(":") else nic.ifindex


def refresh_known(known: KnownPairs, loaded: LoadedObject | None, ifindex: int) -> None:
    """Read one pair again after a change. The VF that the configuration names stays."""
    before = known.of(ifindex)
    slot = None if loaded is None else find_pair_slot(loaded, ifindex)
    named = None if before is None else before.named_vf
    if loaded is None or slot is None:
        if before is not None and before.attached:
            known.forget(ifindex)
        return
    found = loaded.found(slot)
    vf = loaded.vf_ifindex(slot) if found.vf_ifindex else None
    known.note(KnownPair(ifindex, vf=vf, last_mac=_original_mac(found), named_vf=named))


def _original_mac(found: Found) -> str | None:
    mac = bytes(found.vf_mac[:6])
    return mac.hex(":") if any(mac) else None
