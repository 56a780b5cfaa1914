# SPDX-License-Identifier: GPL-2.0-only
"""detach: remove the data path and restore the original settings of the NICs."""

import errno
from collections.abc import Iterable

from netvsc_bpf.datapath import guard_hook, sync_vlans
from netvsc_bpf.datapath.join import leave
from netvsc_bpf.datapath.move_vf import move_back
from netvsc_bpf.datapath.pairs import free_pair, remove_steer
from netvsc_bpf.datapath.session import Session, writing
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.datapath.teardown import Teardown
from netvsc_bpf.discovery.lookup import find_by_name
from netvsc_bpf.kernel.bpf import links, orphaned_pins, pin_files, pins
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.moved_nic_marks import moved_nic, moved_nics, remove_mark, remove_unreadable_marks
from netvsc_bpf.kernel.hooks import clsact
from netvsc_bpf.kernel.hooks.hidden_steer import refuse_hidden
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.model.errors import ForeignLayout, NetvscBpfError, NoSuchNic, NotAttached
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Reason


def detach(interface: str) -> None:
    """Detach one synthetic NIC. Raises NoSuchNic, NotAttached, ForeignLayout, KernelError."""
    with writing(f"cannot detach {interface}") as session:
        nic = find_by_name(session.nics, interface)
        if nic is None:
            raise NoSuchNic(f"cannot detach {interface}", "there is no such interface", "see `ip link`")
        if nic.ifindex not in session.attached():
            _refuse_hidden(session, [nic])
            raise NotAttached(f"cannot detach {interface}", "it is not attached", "see `netvsc-bpf status`")
        with LoadedObject(session.pins) as loaded:
            detach_one(session, loaded, nic.ifindex)


def detach_all() -> tuple[int, list[str]]:
    """Detach every pair of this thread's network namespace; return their number, and warnings.

    Raises Refused if no pair is attached, but a NIC has a program whose pins are not visible here.
    Pins of another layout are removed as well, which detaches their links; the settings of their VFs cannot
    be restored then, which is reported as a warning. Pins of deleted network namespaces are removed too.
    """
    with writing("cannot detach") as session:
        attached = session.attached()
        warnings: list[str] = []
        if pin_files.exists(session.pins.object) or attached:
            try:
                with LoadedObject(session.pins) as loaded:
                    _detach_each(session, loaded, attached)
            except ForeignLayout as error:
                _remove_filters(session)
                sync_vlans.unsync(None)
                for ifindex in session.attached():
                    pins.remove_tree(session.pins, session.pins.pair(ifindex))
                warnings.append(
                    f"{error.why}: its links were removed, but the settings of its VFs were not restored"
                )
        for mark in moved_nics(session.pins):  # not attached yet
            _release_moved(session, mark.ifindex)
        remove_unreadable_marks(session.pins)
        for gone in orphaned_pins.orphans(session.pins):
            orphaned_pins.remove(gone)
            warnings.append(f"removed the pins of network namespace {gone.inode}, which no longer exists")
        if not attached:
            _refuse_hidden(session, session.nics)
        return len(attached), warnings


def _refuse_hidden(session: Session, nics: Iterable[Nic]) -> None:
    """Raise Refused where one of these NICs is attached, and the pins that show it are out of sight."""
    for nic in nics:
        try:
            refuse_hidden(f"cannot detach {nic.name}", session.pins, nic.ifindex, nic.name)
        except OSError as error:
            if error.errno != errno.ENODEV:  # removed since it was listed
                raise


def _detach_each(session: Session, loaded: LoadedObject, attached: Iterable[int]) -> None:
    """Detach all pairs; a failure of one pair does not stop the others.

    Raises the first failure; ForeignLayout only if there was no other, because the original settings are lost
    then.
    """
    failures: list[Exception] = []
    for ifindex in attached:
        try:
            detach_one(session, loaded, ifindex)
        except (NetvscBpfError, OSError) as error:
            failures.append(error)
    for failure in sorted(failures, key=lambda failure: isinstance(failure, ForeignLayout)):
        raise failure


def detach_one(session: Session, loaded: LoadedObject, ifindex: int) -> None:
    """Detach the pair of a synthetic NIC, which may be gone. Raises KernelError, MissingCapability."""
    slot, synthetic = find_pair_slot(loaded, ifindex), session.nic(ifindex)
    hook = session.hook(loaded)
    loaded.program("control")  # fails here if it is missing, before anything is changed
    with Teardown() as down:
        if slot is not None:
            down.step(leave, session, loaded, hook, synthetic, slot, Reason.DRAINED)
            if synthetic is not None:
                down.step(remove_steer, session, loaded, hook, ifindex, slot)
                down.step(guard_hook.detach, session, synthetic)
        down.step(free_pair, session, loaded, slot, ifindex)
        down.step(_release_moved, session, ifindex)


def _release_moved(session: Session, ifindex: int) -> None:
    """Release a NIC that moved here: move its VF back to where it was fetched from, and remove the mark."""
    mark = moved_nic(session.pins, ifindex)
    if mark is not None:
        move_back(session, mark)
        remove_mark(session.pins, ifindex)


def _remove_filters(session: Session) -> None:
    """Remove the clsact filters that run programs pinned here: unlike links, they do not go with a pin."""
    # Every layout has its programs in folders of this name.
    pinned = [path for path in pin_files.walk(session.pins.home) if path.parent.name == "programs"]
    ours = {number for number in map(links.pinned_program_id, pinned) if number is not None}
    for nic in session.nics:
        for direction in Direction:
            clsact.detach(session.rtnl, nic.ifindex, direction, ours)
