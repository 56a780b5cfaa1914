# SPDX-License-Identifier: GPL-2.0-only
"""undamp: use a VF again now that was left alone because it failed.

What it is left alone for is kept in two places. Penalties and holds are in the memory of the manager, which
forgets them; that an operator has to allow the return is in the kernel (`returns` in ebpf/abi.h). Without a
manager only the reason is left, with the VF that was taken down for it.
"""

from netvsc_bpf.datapath.drain_pair import allow_return, attached_nic, bring_back
from netvsc_bpf.datapath.drains import RETURNING, withheld
from netvsc_bpf.datapath.manager_client import ManagerClient
from netvsc_bpf.datapath.session import Session, reading, writing
from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.model.path import Reason


def undamp(interface: str, manager: ManagerClient | None = None) -> list[str]:
    """Forget the failures of the VF of a pair, and use it again if nothing else prevents it.

    A drain stays. Return warnings: what could not be done, or that nothing was to be forgotten. Waits for the
    VF as undrain() does. Raises NoSuchNic, NotAttached, Busy, KernelError and similar errors.
    """
    what, manager = f"cannot undamp {interface}", manager or ManagerClient()
    with reading(what) as session:
        synthetic, slot = attached_nic(session, what, interface)
        why = _left_alone(session, slot, synthetic.ifindex)
    forgiven = manager.forgive(
        synthetic.ifindex
    )  # also of a VF that is in use: its next failure is the first
    if why is None:
        return [] if forgiven else [f"{synthetic.name} is neither damped nor held"]
    if why is Reason.DRAINED:
        return [f"{synthetic.name} stays drained: `netvsc-bpf undrain` ends that"]
    with writing(what) as session:
        _, slot = attached_nic(session, what, interface)
        allow_return(session, slot)
    return bring_back(what, synthetic.ifindex, manager)


def _left_alone(session: Session, slot: int, ifindex: int) -> Reason | None:
    """Return why the VF of a pair is left alone, None if it is not, or for a reason that is no failure."""
    with LoadedObject(session.pins) as loaded:
        state = loaded.pair(slot)
        why = withheld(loaded, slot, ifindex)
        if why is None and not state.permitted:
            why = abi.REASONS[state.reason]
    return why if why in RETURNING else None
