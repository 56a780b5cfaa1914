# SPDX-License-Identifier: GPL-2.0-only
"""The error for an interface that is not attached, with what to do instead."""

from netvsc_bpf.datapath.known_pairs import known_pairs
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.model.errors import NotAttached
from netvsc_bpf.model.names import as_argument
from netvsc_bpf.model.nic import Nic


def not_attached(session: Session, what: str, nic: Nic) -> NotAttached:
    """Return the error; `what` is what cannot be done. Raises ForeignLayout, OSError."""
    owner = _owner(session, nic)
    if owner is None:
        return unattached(what, nic.name)
    return NotAttached(what, f"it is the VF of {owner.name}", f"name {as_argument(owner.name)} instead")


def unattached(what: str, name: str) -> NotAttached:
    """Return the error for an interface that is no VF of a pair either."""
    return NotAttached(what, "it is not attached", f"run `netvsc-bpf attach {as_argument(name)}`")


def _owner(session: Session, vf: Nic) -> Nic | None:
    if not session.attached():
        return None
    with LoadedObject(session.pins) as loaded:
        pair = known_pairs(session, loaded).with_vf(vf.ifindex, but=vf.ifindex)
    return None if pair is None else session.nic(pair.synthetic)
