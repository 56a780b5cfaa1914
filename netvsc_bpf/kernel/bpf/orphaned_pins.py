# SPDX-License-Identifier: GPL-2.0-only
"""Finds and removes pins of network namespaces that no longer exist.

A namespace is considered gone if it has no name and no process, and none of the synthetic NICs that were
attached in it is in the DEVMAP any more: the kernel deletes the entry when a device leaves its namespace.
"""

from netvsc_bpf.kernel.bpf import abi, claim_lock, links, pin_files, pins
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process.capabilities import CAP_SYS_PTRACE, effective
from netvsc_bpf.kernel.process.namespace_handle import reachable
from netvsc_bpf.kernel.process.namespace_holders import handles
from netvsc_bpf.model.errors import ForeignLayout


def orphans(own: NetnsPins) -> list[NetnsPins]:
    """Return the namespaces that are gone and have pins.

    Returns none without CAP_SYS_PTRACE, which is needed to see the namespaces of other users' processes.
    Raises OSError.
    """
    if CAP_SYS_PTRACE not in effective():
        return []
    try:
        names = pin_files.names(own.root)
    except FileNotFoundError:
        return []
    inodes = {inode for inode in map(own.inode_of, names) if inode is not None}
    unknown = sorted(inodes - set(reachable()) - {own.inode})
    found = [NetnsPins(inode, own.bpffs) for inode in unknown if not handles(inode)]
    return [where for where in found if not claim_lock.is_taken(where) and not _has_devices(where)]


def remove(where: NetnsPins) -> None:
    """Remove all pins of a namespace; the caller holds the writer lock. Raises OSError."""
    claim_lock.clear(where)
    pins.remove_tree(where, where.home)


def _has_devices(where: NetnsPins) -> bool:
    attached = pins.attached_ifindexes(where)
    if not attached:
        return False
    try:
        with LoadedObject(where) as loaded:
            return any(loaded.synthetic_ifindex(slot) is not None for slot in range(abi.NIC_SLOTS))
    except ForeignLayout:
        states = (links.state(where.link(ifindex, "steer")) for ifindex in attached)
        return any(state is not None and state.ifindex for state in states)
