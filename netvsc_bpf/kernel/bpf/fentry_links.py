# SPDX-License-Identifier: GPL-2.0-only
"""Lists the sentinel's links on each fallback level, and checks that they exist.

If the pin exists the link is attached: such links support neither BPF_LINK_DETACH nor BPF_LINK_UPDATE
(bpf_tracing_link_lops and bpf_raw_tp_link_lops, kernel/bpf/syscall.c), so they live as long as their pins.
"""

from netvsc_bpf.kernel.bpf import pin_files
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.model.path import Liveness

HOOKS = {
    "call_netdevice_notifiers_info": ("call_netdevice_notifiers_info", False),
    "netif_carrier_off": ("netif_carrier_off", False),
    "netif_carrier_off_returns": ("netif_carrier_off", True),
    "netif_device_detach": ("netif_device_detach", False),
    "netif_device_detach_returns": ("netif_device_detach", True),
}
"""Links that detect the failure of a VF: link -> kernel function, and whether at its return (fexit)."""
TRACEPOINTS = ("net_dev_xmit_timeout", "kfree_skb")
"""Raw tracepoints: the kernel's watchdog of transmit queues, and dropped packets."""
ALL = (*HOOKS, *TRACEPOINTS)


def links_of(liveness: Liveness) -> tuple[str, ...]:
    """Return the names of the pins below NetnsPins.sentinel."""
    match liveness:
        case Liveness.FENTRY:
            return ALL
        case Liveness.LIVE:
            return TRACEPOINTS
        case Liveness.NETLINK:
            return ()


def missing(where: NetnsPins, liveness: Liveness) -> tuple[str, ...]:
    """Return the links that were removed externally."""
    return tuple(name for name in links_of(liveness) if not pin_files.exists(where.sentinel / name))
