# SPDX-License-Identifier: GPL-2.0-only
"""The known pairs of one network namespace, including managed ones."""

from collections.abc import Iterable
from dataclasses import replace

from netvsc_bpf.datapath.known_pairs import known_pairs
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.discovery.known import KnownPair, KnownPairs
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.manager.state.config import InterfaceConfig
from netvsc_bpf.model.nic import Nic


def known_to_manager(
    session: Session, loaded: LoadedObject | None, managed: Iterable[tuple[Nic, InterfaceConfig]]
) -> KnownPairs:
    """Return the attached pairs and the managed NICs, with the VFs that the configuration names."""
    known = known_pairs(session, loaded)
    for nic, config in managed:
        before = known.of(nic.ifindex) or KnownPair(nic.ifindex, attached=False)
        known.note(replace(before, named_vf=config.options.vf))
    return known
