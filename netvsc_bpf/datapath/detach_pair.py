# SPDX-License-Identifier: GPL-2.0-only
"""detach: take the data path down and leave the machine as found."""

from collections.abc import Iterable

from netvsc_bpf.datapath import sync_vlans
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
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.model.errors import ForeignLayout, NetvscBpfError, NoSuchNic, NotAttached
from netvsc_bpf.model.path import Reason


def detach(interface: str) -> None:
    """Detach one synthetic NIC. Raises NoSuchNic, NotAttached, ForeignLayout, KernelError."""
    with writing(f"cannot detach {interface}") as session:
        nic = find_by_name(session.nics, interface)
        if nic is None:
            raise NoSuchNic(f"cannot detach {interface}", "there is no such interface", "see `ip link`")
        if nic.ifindex not in session.attached():
            raise NotAttached(f"cannot detach {interface}", "it is not attached", "see `netvsc-bpf status`")
        with LoadedObject(session.pins) as loaded:
            detach_one(session, loaded, nic.ifindex)


def detach_all() -> tuple[int, list[str]]:
    """Detach every pair of this thread's network namespace; return how many there were, and warnings.

    Pins of another layout are removed as well, which detaches what they hold; the settings of their VFs
    cannot be put back then, and a warning says so. So are those of network namespaces that are gone.
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
                    f"{error.why}: its links were removed, the settings of its VFs were left as they are"
                )
        for mark in moved_nics(session.pins):  # not attached yet
            _say_goodbye(session, mark.ifindex)
        remove_unreadable_marks(session.pins)
        for gone in orphaned_pins.orphans(session.pins):
            orphaned_pins.remove(gone)
            warnings.append(f"removed what network namespace {gone.inode} left, which is gone")
        return len(attached), warnings


def _detach_each(session: Session, loaded: LoadedObject, attached: Iterable[int]) -> None:
    """Detach all; what keeps one pair keeps no other.

    Raises the first failure; ForeignLayout only if there was no other, as it costs what was found.
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
    """Take one pair down by its synthetic NIC, which may be gone. Raises KernelError, MissingCapability."""
    slot, synthetic = find_pair_slot(loaded, ifindex), session.nic(ifindex)
    hook = session.hook(loaded)
    loaded.program("control")  # refuses now, rather than half way
    with Teardown() as down:
        if slot is not None:
            down.step(leave, session, loaded, hook, synthetic, slot, Reason.DRAINED)
            if synthetic is not None:
                down.step(remove_steer, session, loaded, hook, ifindex, slot)
        down.step(free_pair, session, loaded, slot, ifindex)
        down.step(_say_goodbye, session, ifindex)


def _say_goodbye(session: Session, ifindex: int) -> None:
    """Of a NIC that moved here: send its VF back to where it was fetched, and forget that it was followed."""
    mark = moved_nic(session.pins, ifindex)
    if mark is not None:
        move_back(session, mark)
        remove_mark(session.pins, ifindex)


def _remove_filters(session: Session) -> None:
    """Remove the clsact filters that run programs pinned here: unlike links, nothing else would."""
    # Each layout has its programs in folders of this name.
    pinned = [path for path in pin_files.walk(session.pins.home) if path.parent.name == "programs"]
    ours = {number for number in map(links.pinned_program_id, pinned) if number is not None}
    for nic in session.nics:
        for direction in Direction:
            clsact.detach(session.rtnl, nic.ifindex, direction, ours)
