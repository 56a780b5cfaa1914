# SPDX-License-Identifier: GPL-2.0-only
"""Moving a VF after its synthetic NIC, and back to where it came from.

hv_netvsc does the first for the VF that it has enslaved (netvsc_event_set_vf_ns()), and leaves it down. What
a move undoes of the VF's settings - up, IPv6 - stands in the mark of the visitor, written before the move.
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


def fetch(session: Session, visitor: MovedNic, vf: Nic) -> str:
    """Move a VF of this namespace to where the visitor is; return what it is called there.

    It keeps its name where that is free. Raises KernelError where the kernel refuses; it is here then.
    """
    found = MovedVf(0, vf.name, vf.mac, vf.up, vf.addr_gen_mode, vf.ipv6_disabled)
    visitor = note_vf(visitor, found)
    try:
        name = free_name([vf.name], _names(visitor.here))
        with visitor.here.opened() as fd, changing(f"cannot move {vf.name} to {visitor.here.name}"):
            link_settings.move(session.rtnl, vf.ifindex, fd, name)
    except BaseException:
        note_vf(visitor, None)
        raise
    with visitor.here.entered(), Rtnetlink() as rtnl:
        note_arrival(visitor, list_nics(rtnl))
    return name


def note_arrival(visitor: MovedNic, nics: Sequence[Nic]) -> MovedNic:
    """Complete the mark of a visitor whose VF is among the NICs of its namespace; the caller has the lock."""
    vf = arrived(visitor, nics)
    if vf is None or visitor.vf is None:
        return visitor
    return note_vf(visitor, replace(visitor.vf, ifindex=vf.ifindex))


def arrived(visitor: MovedNic, nics: Sequence[Nic]) -> Nic | None:
    """Return the VF that was fetched for a visitor among the NICs of its namespace. Pure.

    Who was killed while it moved could not note its number: then it is the NIC of its MAC and name, which
    VLANs and macvlans upon the synthetic NIC have not.
    """
    vf = visitor.vf
    if vf is None:
        return None
    if vf.ifindex:
        return next((nic for nic in nics if nic.ifindex == vf.ifindex), None)
    alike = (nic for nic in nics if nic.mac == vf.mac and nic.ifindex != visitor.ifindex)
    return next((nic for nic in alike if may_be_called(nic.name, vf.name)), None)


def move_back(session: Session, visitor: MovedNic) -> None:
    """Move the VF that was fetched for a visitor back, and put back what the moves undid.

    The session is in the visitor's namespace. Nothing happens where there is none, where the VF is gone, or
    where there is no way back: its home may have been deleted. Raises KernelError.
    """
    vf, nic = visitor.vf, arrived(visitor, list_nics(session.rtnl))
    if vf is None or nic is None or not visitor.home.exists():
        return
    name = free_name([vf.name, nic.name], _names(visitor.home))
    with visitor.home.opened() as fd, changing(f"cannot move {nic.name} back to {visitor.home.name}"):
        link_settings.move(session.rtnl, nic.ifindex, fd, name)
    with visitor.home.entered(), Rtnetlink() as rtnl, changing(f"cannot put the settings of {name} back"):
        _put_back(rtnl, get_nic(rtnl, name), vf)


def guards_of_moved_nics(home: NetnsHandle) -> set[int]:
    """Return the ids of the guards of all visitors from here; on one that came back its guard still sits."""
    marks = moved_nics_of(home)
    states = (links.state(NetnsPins(one.here.inode).link(one.ifindex, "guard")) for one in marks)
    return {state.prog_id for state in states if state is not None and state.ifindex}


def _put_back(rtnl: Rtnetlink, nic: Nic, vf: MovedVf) -> None:
    if nic.ipv6_disabled is not None:
        # The mode first: switching IPv6 on generates addresses by it.
        if vf.addr_gen_mode is not None and vf.addr_gen_mode != nic.addr_gen_mode:
            link_settings.set_addr_gen_mode(rtnl, nic.ifindex, vf.addr_gen_mode)
        if vf.ipv6_disabled is not None and vf.ipv6_disabled != nic.ipv6_disabled:
            link_settings.set_ipv6_disabled(nic.ifindex, vf.ipv6_disabled)
    if vf.up:
        link_settings.set_up(rtnl, nic.ifindex, True)


def _names(place: NetnsHandle) -> set[str]:
    with place.entered(), Rtnetlink() as rtnl:
        return {nic.name for nic in list_nics(rtnl)}
