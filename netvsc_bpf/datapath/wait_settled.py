# SPDX-License-Identifier: GPL-2.0-only
"""Waits until the kernel has armed a pair, as attach does once."""

import time

from netvsc_bpf.datapath.session import Session
from netvsc_bpf.discovery.nics import get_nic
from netvsc_bpf.kernel.bpf.abi import ControlCommand, ControlResult
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.model.errors import NoSuchNic
from netvsc_bpf.model.path import Liveness

_GRACE_S = 0.25
"""Extra time, because coming up takes a moment."""


def wait_until_settled(session: Session, loaded: LoadedObject, slots: dict[int, int], settle_ms: int) -> None:
    """Return once each pair (slot: ifindex of its VF) is armed, or its settle time has passed."""
    deadline = time.monotonic() + settle_ms / 1e3 + _GRACE_S
    since = dict.fromkeys(slots, time.monotonic())
    waiting = dict(slots)
    while waiting and time.monotonic() < deadline:
        for slot, vf in list(waiting.items()):
            if loaded.liveness is Liveness.NETLINK:
                armed = _arm(session, loaded, slot, vf, since, settle_ms / 1e3)
            else:
                armed = loaded.control(ControlCommand.CHECK, slot) is ControlResult.VF
            if armed:
                del waiting[slot]
        if waiting:
            time.sleep(min(0.01, settle_ms / 1e3 / 4))


def _arm(
    session: Session, loaded: LoadedObject, slot: int, vf: int, since: dict[int, float], settle_s: float
) -> bool:
    """Arm the pair on level `netlink`, as steer does on the other levels."""
    try:
        nic = get_nic(session.rtnl, vf)
    except NoSuchNic:
        return False
    if not (nic.up and nic.carrier):
        since[slot] = time.monotonic()
    if time.monotonic() - since[slot] < settle_s:
        return False
    return loaded.control(ControlCommand.ARM, slot) is ControlResult.VF
