# SPDX-License-Identifier: GPL-2.0-only
"""Offsets and drop reasons of the kernel that ebpf/drops.c needs."""

from netvsc_bpf.kernel.bpf.btf import Btf
from netvsc_bpf.model.errors import NoBtf

_REASONS = {
    "DROP_NOT_SPECIFIED": "SKB_DROP_REASON_NOT_SPECIFIED",
    "DROP_CPU_BACKLOG": "SKB_DROP_REASON_CPU_BACKLOG",
    "DROP_DEV_READY": "SKB_DROP_REASON_DEV_READY",
}
NO_DROP_FACTS = dict.fromkeys((*_REASONS, "SKB_DEV", "SKB_AT_TC_INGRESS", "SKB_AT_TC_INGRESS_MASK"), 0)
"""With these values the program counts nothing."""


def drop_facts(btf: Btf) -> dict[str, int]:
    """Return the macros of drops.c: offsets in bytes, a mask, numbers of enum skb_drop_reason.

    NO_DROP_FACTS if the kernel has no drop reasons (before Linux 5.18), which is not an error.
    """
    try:
        reasons, skb = btf.enumerators("skb_drop_reason"), btf.members("sk_buff")
    except NoBtf:
        return NO_DROP_FACTS
    ingress, device = skb.get("tc_at_ingress"), skb.get("dev")
    if ingress is None or device is None or not all(name in reasons for name in _REASONS.values()):
        return NO_DROP_FACTS
    return {
        **{macro: reasons[name] for macro, name in _REASONS.items()},
        "SKB_DEV": device.offset,
        "SKB_AT_TC_INGRESS": ingress.offset,
        "SKB_AT_TC_INGRESS_MASK": 1 << ingress.bit,
    }
