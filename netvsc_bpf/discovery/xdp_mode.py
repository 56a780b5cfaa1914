# SPDX-License-Identifier: GPL-2.0-only
"""Chooses where guard runs on a synthetic NIC: natively in the driver, or in generic mode. Pure.

A frame that needs several buffers reaches a native program only if driver and program handle fragments.
Without them virtio_net and others still accept a larger MTU later, and then drop every large frame
(xdp_linearize_page() in drivers/net/virtio_net.c). So with such a driver guard runs in generic mode while the
MTU is larger than one buffer: chosen by `attach`, and by a manager when the MTU changes.

Generic mode costs more: no GRO on the NIC (netif_elide_gro(), include/linux/netdevice.h), neither LRO nor
hardware GRO (generic_xdp_install(), net/core/dev.c), and the head of each frame is copied, also of those that
home redirects: bpf_redirect() does not mark them as such. So it is used only where it is needed.

On hv_netvsc guard must not run in generic mode: what the driver receives by an enslaved VF passes generic
XDP as a frame of the synthetic NIC (__netif_receive_skb_core(): the rx_handler changes skb->dev, and the loop
starts again).
"""

from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import XdpMode

_ONE_BUFFER_MTU = 1500
"""Every driver with native XDP receives frames of this MTU in one buffer, which are at least 2 KB."""
_RELEASED_MTU = 4096 - 32
"""Above it virtio_net without fragments keeps its program: a page less struct padded_vnet_hdr."""


def guard_modes(synthetic: Nic, *, fragments: bool) -> tuple[XdpMode, ...]:
    """Return the modes to try for guard, best first. `fragments`: driver and program handle them."""
    if synthetic.driver == "hv_netvsc":
        return (XdpMode.NATIVE,)
    if fragments or synthetic.mtu <= _ONE_BUFFER_MTU:
        return (XdpMode.NATIVE, XdpMode.GENERIC)
    return (XdpMode.GENERIC,)


def attached_mode(nic: Nic) -> XdpMode | None:
    """Return the mode of the NIC's XDP program, None if it has none."""
    if nic.xdp_prog_id is None:
        return None
    return XdpMode.GENERIC if nic.xdp_generic else XdpMode.NATIVE


def may_be_kept_by_driver(nic: Nic) -> bool:
    """Return whether a driver without fragments would go on running a native program that is detached.

    virtio_net without fragments refuses any change of its program under a large MTU, removal included
    (virtnet_xdp_set() until Linux 6.2); the kernel then has no program, and the driver goes on dropping.
    """
    return attached_mode(nic) is XdpMode.NATIVE and nic.driver == "virtio_net" and nic.mtu > _RELEASED_MTU
