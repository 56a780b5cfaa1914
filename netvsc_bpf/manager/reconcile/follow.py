# SPDX-License-Identifier: GPL-2.0-only
"""A synthetic NIC that left its network namespace: finding it, and who manages it from now on.

Its pair is released where it was, as if the NIC were gone. If it is found elsewhere, a mark is made there
first, so that it is never lost: a manager that was killed in between finds the mark when it starts again.
"""

from dataclasses import dataclass

from netvsc_bpf.datapath.locate_moved import NicLocation, find
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.moved_nic_marks import MovedNic, moved_nic, note
from netvsc_bpf.kernel.net import link_settings
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process.namespace_handle import NetnsHandle
from netvsc_bpf.manager.events.claim import holder
from netvsc_bpf.model.nic import Nic


@dataclass(frozen=True, slots=True)
class Departure:
    """What happened to it, in words, and where it is."""

    text: str
    netns: str


def depart(
    session: Session,
    loaded: LoadedObject,
    ifindex: int,
    known: Nic | None,
    name: str | None,
    wanted: tuple[str, ...],
) -> Departure | None:
    """Find a NIC that left, and have it managed there; None if it no longer exists.

    `known` is its last known state, `name` the name it was managed by: None after a restart. Then it must
    have one of the names `wanted`, if there are any. Raises NetvscBpfError.
    """
    found = find(session.pins, ifindex, known)
    if found is None:
        return None
    place, nic = found.place, found.nic
    here, mark = NetnsHandle.here(), moved_nic(session.pins, ifindex)
    home = here if mark is None else mark.home
    name = mark.name if mark is not None else name or nic.name
    called = f"{place.name}" if nic.name == name else f"{place.name}, where it is called {nic.name}"
    if home == here and mark is None and wanted and not {name, *nic.altnames} & {*wanted}:
        return Departure(f"to {called}: not configured to be managed", place.name)
    with place.entered():
        _restore_gso(loaded, ifindex, found)
        pid = holder() if place != home else None
    if pid is not None:
        return Departure(f"to {called}: process {pid} manages it there", place.name)
    if place != home:
        note(MovedNic(nic.ifindex, place, home, name))
    return Departure(f"to {called}", place.name)


def _restore_gso(loaded: LoadedObject, ifindex: int, found: NicLocation) -> None:
    """Restore its GSO limits: its old namespace cannot reach it any more."""
    slot = find_pair_slot(loaded, ifindex)
    state = None if slot is None else loaded.found(slot)
    if state is None or not state.vf_ifindex:
        return
    nic, limits = found.nic, (state.gso_max_size, state.gso_max_segs)
    if limits != (nic.gso_max_size, nic.gso_max_segs):
        with Rtnetlink() as rtnl, changing(f"cannot restore the GSO limits of {nic.name}"):
            link_settings.set_gso_limits(rtnl, nic.ifindex, *limits)
