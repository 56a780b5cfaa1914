# SPDX-License-Identifier: GPL-2.0-only
"""home by a filter, for the time that its tcx link takes.

home must be attached before a VF is brought up, and a tcx link is attached only after an RCU grace period
(tcx_entry_sync(), include/net/tcx.h): 10 ms in the median and up to 50 here, with the lock of all interfaces
held. A filter takes 1 ms: a new clsact qdisc waits for an expedited grace period at the most
(mini_qdisc_pair_swap(), net/sched/sch_generic.c). So whoever is in a hurry attaches the filter, and the link
once the VF is used. While there are both the link runs first, and what home redirects meets no
filter any more.

The qdisc stays until the VF is let go. To remove it would deactivate the VF's transmit queues for a moment
(qdisc_graft(), net/sched/sch_api.c), when packets may already be steered there.
"""

import errno
from pathlib import Path

from netvsc_bpf.datapath.pairs import CLSACT_ON_VF, note_clsact
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.kernel.bpf import abi, links
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.hooks import clsact
from netvsc_bpf.kernel.hooks.tc import ClsactHook
from netvsc_bpf.kernel.hooks.tcx import Direction

INTERIM_HOME = 4
"""Bit of Found.clsact_added: home has a filter of ours on the VF, which has to go."""


def noted(found: abi.Found) -> bool:
    """Tell whether there is, or may be, such a filter."""
    return bool(found.clsact_added & INTERIM_HOME)


def is_attached(session: Session, vf_ifindex: int, program_id: int) -> bool:
    """Tell whether a filter runs home, the pair's copy of it, on the VF."""
    return clsact.attached(session.rtnl, vf_ifindex, Direction.INGRESS, program_id)


def attach(
    session: Session, loaded: LoadedObject, slot: int, vf_ifindex: int, program: int, pin: Path
) -> bool:
    """Attach home (a descriptor) by a filter; return False where this kernel or this VF has no place for one.

    It is called as the link will be that is pinned at `pin`.

    Raises OSError where the VF is gone.
    """
    hook = ClsactHook(session.rtnl)
    try:
        if hook.adds_qdisc(vf_ifindex):
            note_clsact(loaded, slot, CLSACT_ON_VF)
        note_clsact(loaded, slot, INTERIM_HOME)
        if not is_attached(session, vf_ifindex, links.program_id(program)):
            hook.attach(program, vf_ifindex, Direction.INGRESS, pin)
    except OSError as error:
        if error.errno == errno.ENODEV:
            raise
        # No sch_ingress or cls_bpf here, or somebody's ingress qdisc in its place: it has to be the link.
        return False
    return True


def detach_noted(session: Session, loaded: LoadedObject, slot: int, vf_ifindex: int, program_id: int) -> None:
    """Remove the filter and its note; nothing happens where there is none. Raises OSError."""
    remove(session, vf_ifindex, program_id)
    found = loaded.found(slot)
    found.clsact_added &= ~INTERIM_HOME
    loaded.set_found(slot, found)


def remove(session: Session, vf_ifindex: int, program_id: int) -> None:
    """Remove the filter from a VF that is let go, where it is noted. Raises OSError."""
    clsact.detach(session.rtnl, vf_ifindex, Direction.INGRESS, {program_id})
