# SPDX-License-Identifier: GPL-2.0-only
"""What the user of attach may choose."""

from dataclasses import dataclass

from netvsc_bpf.model.errors import Refused
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import GuardMode, Liveness, RxMode

MIN_SETTLE_MS = 10
"""A device that is going down is usable for some microseconds more; the settle time must outlast them."""
DEFAULT_SETTLE_MS = 100
MAX_SETTLE_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class AttachOptions:
    """How to attach. None leaves the choice to us ("auto")."""

    vf: str | None = None
    any_bus: bool = False
    settle_ms: int = DEFAULT_SETTLE_MS
    rx: RxMode | None = None
    guard: GuardMode | None = None
    liveness: Liveness | None = None


def guard_mode(options: AttachOptions, synthetic: Nic) -> GuardMode:
    """Return the guard to use.

    A Hyper-V host sends SYN, broadcast and multicast by the synthetic path on purpose; any other switch
    floods multicast to both ports of a pair.
    """
    if options.guard is not None:
        return options.guard
    return GuardMode.OFF if synthetic.driver == "hv_netvsc" else GuardMode.MULTICAST


def rx_mode(options: AttachOptions, synthetic: Nic, vf: Nic) -> RxMode:
    """Return who brings frames home: the kernel's hv_netvsc where it has enslaved the VF. Raises Refused."""
    enslaved = vf.master == synthetic.ifindex
    if options.rx is RxMode.KERNEL and not enslaved:
        raise Refused(
            f"cannot leave the ingress of {vf.name} to the kernel",
            f"no driver has enslaved it to {synthetic.name}",
            "use --rx auto",
        )
    return options.rx or (RxMode.KERNEL if enslaved else RxMode.REDIRECT)
