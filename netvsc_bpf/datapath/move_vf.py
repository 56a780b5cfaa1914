# SPDX-License-Identifier: GPL-2.0-only
"""Moves a VF to the namespace of its synthetic NIC, and back to its original one.

hv_netvsc does the former for the VF that it has enslaved (netvsc_event_set_vf_ns()), and leaves it down. The
settings that a move resets - up, IPv6 - are recorded in the mark of the moved NIC before the move.
"""

from collections.abc import Sequence
from dataclasses import replace

from netvsc_bpf.datapath.session import Session
from netvsc_bpf.discovery.nics import get_nic, list_nics
from netvsc_bpf.kernel.bpf import links
from netvsc_bpf.kernel.bpf.moved_nic_marks import (
    MovedNic,
    MovedVf,
    free_name,
    may_be_called,
    moved_nics_of,
    note_vf,
)
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.net import link_settings
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process.namespace_handle import NetnsHandle
from netvsc_bpf.model.nic import Nic


def fetch(session: Session, moved: MovedNic, vf: Nic) -> str:
    """Move a VF of this namespace to the namespace of the moved NIC; return its name there.

    It keeps its name if that is free. Raises KernelError if the kernel refuses; the VF stays here then.
    """
    found = MovedVf(0, vf.name, vf.mac, vf.up, vf.addr_gen_mode, vf.ipv6_disabled)
    moved = note_vf(moved, found)
    try:
        name = free_name([vf.name], _names(moved.here))
        with moved.here.opened() as fd, changing(f"cannot move {vf.name} to {moved.here.name}"):
            link_settings.move(session.rtnl, vf.ifindex, fd, name)
    except BaseException:
        note_vf(moved, None)
        raise
    with moved.here.entered(), Rtnetlink() as rtnl:
        note_arrival(moved, list_nics(rtnl))
    return name


def note_arrival(moved: MovedNic, nics: Sequence[Nic]) -> MovedNic:
    """Complete the mark of a moved NIC with the VF found among `nics` of its namespace, under the lock."""
    vf = arrived(moved, nics)
    if vf is None or moved.vf is None:
        return moved
    return note_vf(moved, replace(moved.vf, ifindex=vf.ifindex))


def arrived(moved: MovedNic, nics: Sequence[Nic]) -> Nic | None:
    """Return the VF that was fetched for a moved NIC, among the NICs of its namespace. Pure.

    A process that was killed during the move could not record the ifindex: then it is the NIC with the VF's
    MAC and name, which VLANs and macvlans on the synthetic NIC do not have both.
    """
    vf = moved.vf
    if vf is None:
        return None
    if vf.ifindex:
        return next((nic for nic in nics if nic.ifindex == vf.ifindex), None)
    alike = (nic for nic in nics if nic.mac == vf.mac and nic.ifindex != moved.ifindex)
    return next((nic for nic in alike if may_be_called(nic.name, vf.name)), None)


def move_back(session: Session, moved: MovedNic) -> None:
    """Move the VF that was fetched for a moved NIC back, and restore the settings that the moves reset.

    The session is in the namespace of the moved NIC. Does nothing if no VF was fetched, if the VF is gone, or
    if its original namespace was deleted. Raises KernelError.
    """
    vf, nic = moved.vf, arrived(moved, list_nics(session.rtnl))
    if vf is None or nic is None or not moved.home.exists():
        return
    name = free_name([vf.name, nic.name], _names(moved.home))
    with moved.home.opened() as fd, changing(f"cannot move {nic.name} back to {moved.home.name}"):
        link_settings.move(session.rtnl, nic.ifindex, fd, name)
    with moved.home.entered(), Rtnetlink() as rtnl, changing(f"cannot restore the settings of {name}"):
        _restore(rtnl, get_nic(rtnl, name), vf)


def guards_of_moved_nics(home: NetnsHandle) -> set[int]:
    """Return the program ids of guards of NICs that moved from here; one that came back still has it."""
    marks = moved_nics_of(home)
    states = (links.state(NetnsPins(one.here.inode).link(one.ifindex, "guard")) for one in marks)
    return {state.prog_id for state in states if state is not None and state.ifindex}


def _restore(rtnl: Rtnetlink, nic: Nic, vf: MovedVf) -> None:
    if nic.ipv6_disabled is not None:
        # The mode first: turning IPv6 on generates addresses according to it.
        if vf.addr_gen_mode is not None and vf.addr_gen_mode != nic.addr_gen_mode:
            link_settings.set_addr_gen_mode(rtnl, nic.ifindex, vf.addr_gen_mode)
        if vf.ipv6_disabled is not None and vf.ipv6_disabled != nic.ipv6_disabled:
            link_settings.set_ipv6_disabled(nic.ifindex, vf.ipv6_disabled)
    if vf.up:
        link_settings.set_up(rtnl, nic.ifindex, True)


def _names(place: NetnsHandle) -> set[str]:
    with place.entered(), Rtnetlink() as rtnl:
        return {nic.name for nic in list_nics(rtnl)}
