# SPDX-License-Identifier: GPL-2.0-only
"""Restores the receive offloads of a synthetic NIC that generic XDP has switched off."""

import errno

from netvsc_bpf.datapath.session import Session
from netvsc_bpf.kernel.bpf import offload_notes
from netvsc_bpf.kernel.net.ethtool_features import active_features, request_features
from netvsc_bpf.kernel.net.forwarding import forwards
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.receive_offload import ReceiveOffload


def remember(session: Session, synthetic: Nic) -> None:
    """Note which offloads are on, before generic XDP is attached. Raises OSError, KernelError.

    Does nothing if there is a note: it was attached before, and switched them off.
    """
    if not offload_notes.read(session.pins, synthetic.ifindex):
        on = active_features(synthetic.name) & frozenset(offload_notes.OFFLOADS)
        offload_notes.remove(session.pins, synthetic.ifindex)  # one that names none
        if on:
            offload_notes.write(session.pins, synthetic.ifindex, on)


def restore(session: Session, synthetic: Nic) -> None:
    """Switch on again what the note names, and remove it; generic XDP is detached. Raises OSError.

    LRO stays off if packets are forwarded by now: the kernel has switched off what was off already
    (dev_disable_lro(), net/core/dev.c).
    """
    noted = offload_notes.read(session.pins, synthetic.ifindex)
    try:
        off = noted - active_features(synthetic.name) if noted else frozenset()
        if ReceiveOffload.LRO in off and forwards(session.rtnl, synthetic.ifindex):
            off -= {ReceiveOffload.LRO}
        if off:
            request_features(synthetic.name, dict.fromkeys(sorted(off), True))
    except OSError as error:
        if error.errno != errno.ENODEV:  # the NIC is gone, and its settings with it
            raise
    offload_notes.remove(session.pins, synthetic.ifindex)
