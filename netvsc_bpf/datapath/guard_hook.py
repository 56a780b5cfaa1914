# SPDX-License-Identifier: GPL-2.0-only
"""Attaches guard to a synthetic NIC in the mode in which frames of any size pass, and detaches it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from netvsc_bpf.datapath import guard_offloads
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.discovery.stack import stack
from netvsc_bpf.discovery.xdp_mode import attached_mode, guard_modes, may_be_kept_by_driver
from netvsc_bpf.kernel.bpf import links
from netvsc_bpf.kernel.hooks import xdp
from netvsc_bpf.kernel.net import link_settings
from netvsc_bpf.kernel.net.xdp_features import receives_fragments
from netvsc_bpf.model.errors import XdpRefused
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import XdpMode

_USUAL_MTU = 1500


def attach(session: Session, synthetic: Nic, program: int) -> None:
    """Attach the pair's copy of guard, given by its descriptor, in place of one in another mode.

    Raises ForeignXdp, XdpRefused, KernelError, OSError.
    """
    with _released(session, synthetic):
        links.remove(session.pins.link(synthetic.ifindex, "guard"))
    # A kernel whose drivers announce fragments has them, and then guard is compiled for them.
    *others, last = guard_modes(synthetic, fragments=receives_fragments(synthetic.ifindex))
    for mode in others:
        with suppress(XdpRefused):
            return _attach(session, synthetic, program, mode)
    _attach(session, synthetic, program, last)


def detach(session: Session, synthetic: Nic) -> None:
    """Detach guard, if it is attached, and restore the offloads of the NIC. Raises OSError."""
    with _released(session, synthetic):
        links.remove(session.pins.link(synthetic.ifindex, "guard"))
    guard_offloads.restore(session, synthetic)


@contextmanager
def _released(session: Session, synthetic: Nic) -> Iterator[None]:
    """Have the driver release guard when it is detached in the block: some keep it under a large MTU."""
    if not may_be_kept_by_driver(synthetic) or receives_fragments(synthetic.ifindex):
        yield
        return
    # VLAN devices follow a lower MTU, and not a higher one (vlan_device_event(), net/8021q/vlan.c).
    lowered = [nic for nic in stack(session.nics, synthetic) if nic.mtu > _USUAL_MTU]
    link_settings.set_mtu(session.rtnl, synthetic.ifindex, _USUAL_MTU)
    try:
        yield
    finally:
        for nic in lowered:
            link_settings.set_mtu(session.rtnl, nic.ifindex, nic.mtu)


def is_in_place(synthetic: Nic) -> bool:
    """Return whether guard, which is attached, runs in a mode in which frames of any size pass.

    The MTU may have been raised since, or an earlier version attached it. Raises OSError.
    """
    mode = attached_mode(synthetic)
    # The driver is asked only if that can matter: 30 us for each observation.
    if mode is None or mode in guard_modes(synthetic, fragments=False):
        return True
    return mode in guard_modes(synthetic, fragments=receives_fragments(synthetic.ifindex))


def _attach(session: Session, synthetic: Nic, program: int, mode: XdpMode) -> None:
    pin = session.pins.link(synthetic.ifindex, "guard")
    if mode is XdpMode.GENERIC:
        guard_offloads.remember(session, synthetic)
    else:
        # Before: while a program runs natively, virtio_net refuses them (virtnet_set_features()).
        guard_offloads.restore(session, synthetic)
    xdp.attach(program, synthetic.ifindex, synthetic.name, pin, mode)
