# SPDX-License-Identifier: GPL-2.0-only
"""Refusing to start or reload with interfaces that `attach` would refuse.

Only for what does not change by waiting: a NIC that cannot be a synthetic one, a NIC in two pairs. A VF that
is missing, has another MAC, belongs to a bridge or is one of two candidates may be right a moment later:
starting must not depend on that.
"""

from dataclasses import replace

from netvsc_bpf.datapath.known_pairs import known_pairs
from netvsc_bpf.datapath.session import Session, reading
from netvsc_bpf.discovery.known import KnownPair, KnownPairs
from netvsc_bpf.discovery.lookup import find_by_name
from netvsc_bpf.discovery.pairing import find_pair
from netvsc_bpf.kernel.bpf import attach_notes
from netvsc_bpf.manager.reload import Reload, Reloaded
from netvsc_bpf.manager.state.attached_pairs import opened
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.model.errors import (
    CrossedPairs,
    ForeignLayout,
    KernelError,
    MacDiffers,
    NotASyntheticNic,
    NotAVf,
    Refused,
)


def refuse_what_attach_refuses(config: ManagerConfig) -> None:
    """Check the interfaces that the configuration names with pairing, in its order, as `attach` would.

    Raises NotASyntheticNic, NotAVf, CrossedPairs; and what reading() raises.
    """
    if not config.interfaces:
        return  # NICs that are selected by their driver are always valid
    try:
        with reading("cannot manage") as session:
            known = _known(session)
            for name in config.interfaces:
                _ask(session, name, config, known)
    except KernelError:
        return  # not now (the machine may be booting): each pair is checked again before it is attached


def refusing(reload: Reload) -> Reload:
    """Return a reload that refuses such interfaces in the new configuration."""

    def read_again(config: ManagerConfig) -> Reloaded:
        done = reload(config)
        refuse_what_attach_refuses(done.config)
        return done

    return read_again


def _known(session: Session) -> KnownPairs:
    try:
        with opened(session.pins) as loaded:
            return known_pairs(session, loaded)
    except ForeignLayout:
        return KnownPairs()  # the first reconciliation reports it


def _ask(session: Session, name: str, config: ManagerConfig, known: KnownPairs) -> None:
    nic = find_by_name(session.nics, name)
    if nic is None:
        return
    names = dict.fromkeys((name, nic.name, *nic.altnames))
    sections = [one for one in names if one in config.per_interface]
    if len(sections) > 1:
        why = f"they are names of one interface, {nic.name}"
        raise Refused(" and ".join(f"[interface.{one}]" for one in sections), why, "keep one of them")
    choice = attach_notes.read(session.pins, nic.ifindex)
    options = config.of(*names).with_choice(choice).options
    before = known.of(nic.ifindex) or KnownPair(nic.ifindex)
    named = find_by_name(session.nics, options.vf)
    try:
        vf = find_pair(
            session.nics,
            nic.name,
            vf=None if named is None else named.name,
            any_bus=options.any_bus,
            current_vf=before.vf,
            known=known,
        ).pair.vf
    except MacDiffers:
        vf = None
    except (NotASyntheticNic, NotAVf, CrossedPairs):
        raise
    except Refused:
        vf = None
    # For the next interfaces this pair counts as attached.
    known.note(replace(before, vf=before.vf if vf is None else vf.ifindex, named_vf=options.vf))
