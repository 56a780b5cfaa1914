# SPDX-License-Identifier: GPL-2.0-only
"""home attached by an interim clsact filter, until its tcx link is attached.

home must be attached before a VF is brought up. Attaching a tcx link waits for an RCU grace period
(tcx_entry_sync(), include/net/tcx.h): 10 ms in the median and up to 50 here, with the RTNL lock held. A
filter takes 1 ms: a new clsact qdisc waits for an expedited grace period at most (mini_qdisc_pair_swap(),
net/sched/sch_generic.c). So when it is urgent the filter is attached first, and the link once the VF is in
use. While both are attached the link runs first, and frames that it redirects do not reach the filter.

The qdisc stays until the VF is released. Removing it would deactivate the VF's transmit queues for a moment
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
"""Bit of Found.clsact_added: home has an interim filter on the VF, which has to be removed."""


def noted(found: abi.Found) -> bool:
    """Return whether there is, or may be, such a filter."""
    return bool(found.clsact_added & INTERIM_HOME)


def is_attached(session: Session, vf_ifindex: int, program_id: int) -> bool:
    """Return whether a filter on the VF runs the pair's copy of home."""
    return clsact.attached(session.rtnl, vf_ifindex, Direction.INGRESS, program_id)


def attach(
    session: Session, loaded: LoadedObject, slot: int, vf_ifindex: int, program: int, pin: Path
) -> bool:
    """Attach home (a descriptor) by a filter; return False if this kernel or this VF does not allow one.

    The filter gets the name of the link that will be pinned at `pin`.

    Raises OSError if the VF is gone.
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
        # No sch_ingress or cls_bpf in this kernel, or a foreign ingress qdisc on the VF: only a link works.
        return False
    return True


def detach_noted(session: Session, loaded: LoadedObject, slot: int, vf_ifindex: int, program_id: int) -> None:
    """Remove the filter and its note; does nothing if there is none. Raises OSError."""
    remove(session, vf_ifindex, program_id)
    found = loaded.found(slot)
    found.clsact_added &= ~INTERIM_HOME
    loaded.set_found(slot, found)


def remove(session: Session, vf_ifindex: int, program_id: int) -> None:
    """Remove the filter from a VF that is released. Raises OSError."""
    clsact.detach(session.rtnl, vf_ifindex, Direction.INGRESS, {program_id})
