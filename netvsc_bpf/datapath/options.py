# SPDX-License-Identifier: GPL-2.0-only
"""What the user of attach may choose. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Annotated

from netvsc_bpf.model.attach_choice import CHOICES, AttachChoice
from netvsc_bpf.model.errors import Refused
from netvsc_bpf.model.names import read_back
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import GuardMode, LeavePolicy, Liveness, ReturnPolicy, RxMode, XdpPolicy
from netvsc_bpf.model.setting import INTERFACE_NAME, Setting

MIN_SETTLE_MS = 10
"""A device that is going down is usable for some microseconds more; the settle time must outlast them."""
DEFAULT_SETTLE_MS = 100
MAX_SETTLE_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class AttachOptions:
    """How pairs are attached; "auto" picks a value automatically.

    Here "auto" is None.
    """

    vf: Annotated[
        str | None,
        Setting(
            "Use this VF; needed if its MAC does not identify it or it is not a PCI device.",
            pattern=INTERFACE_NAME,
            parse=read_back,
            shape="the name of an interface",
        ),
    ] = None
    any_bus: Annotated[bool, Setting("Also accept VFs that are not PCI devices.")] = False
    settle_ms: Annotated[
        int,
        Setting(
            "How long a VF must have been up with carrier before it is used, in ms. "
            "If not set, pairs that are already attached keep theirs.",
            least=MIN_SETTLE_MS,
            most=MAX_SETTLE_MS,
        ),
    ] = DEFAULT_SETTLE_MS
    rx: Annotated[
        RxMode | None,
        Setting(
            "How VF ingress reaches the synthetic NIC: redirected by home, or delivered by the kernel's "
            "driver. A change applies to VFs that join later."
        ),
    ] = None
    guard: Annotated[
        GuardMode | None,
        Setting("Which frames to drop as copies that a switch has delivered to both NICs."),
    ] = None
    liveness: Annotated[
        Liveness | None,
        Setting("How a failed VF is detected; by default the best way the kernel supports.", live=False),
    ] = None
    xdp: Annotated[
        XdpPolicy,
        Setting(
            "If the synthetic NIC runs an XDP program and the VF does not: use the VF and warn, or require "
            "one on the VF."
        ),
    ] = XdpPolicy.WARN
    all_multicast: Annotated[
        bool,
        Setting(
            "Have VFs whose ingress home redirects receive all multicast, so that groups arrive that were "
            "joined while no manager runs, or that do not fit into the VF's filter. If not, only the synced "
            "groups; on switches that flood much multicast that saves the guest's CPUs work."
        ),
    ] = True
    leave: Annotated[
        LeavePolicy,
        Setting(
            "What to do with a VF that is up but must not be used (damped, stalled, unreachable, waiting for "
            "an operator, drained, no required XDP program, MTU not supported, link lost on hv_netvsc): take "
            "it down, so that ingress moves too, or only steer egress away. A VF that hv_netvsc enslaved "
            "goes on sending and receiving with that."
        ),
    ] = LeavePolicy.DOWN
    return_: Annotated[
        ReturnPolicy,
        Setting(
            "Whether a VF that failed is used again by itself once it has settled, or only after an operator "
            "ran `undrain` or `undamp`. It is kept in the kernel."
        ),
    ] = ReturnPolicy.AUTO


def not_default(options: AttachOptions) -> frozenset[str]:
    """Return the names of the options that differ from their defaults."""
    rest = AttachOptions()
    return frozenset(name for name in CHOICES if getattr(options, name) != getattr(rest, name))


def updated(before: AttachChoice, options: AttachOptions, given: Collection[str]) -> AttachChoice:
    """Return the choice after an attach that was given the options with these names."""
    return replace(before, **{name: getattr(options, name) for name in CHOICES if name in given})


def applied(options: AttachOptions, choice: AttachChoice, but: Collection[str] = ()) -> AttachOptions:
    """Return options with what was chosen, except for the names in `but`."""
    chosen = {name: value for name, value in choice.given().items() if name not in but}
    return replace(options, **chosen)


def guard_mode(options: AttachOptions, synthetic: Nic) -> GuardMode:
    """Return the guard to use.

    A Hyper-V host sends SYN, broadcast and multicast by the synthetic path on purpose, each frame once. Any
    other switch floods to both ports of a pair.
    """
    if options.guard is not None:
        return options.guard
    return GuardMode.OFF if synthetic.driver == "hv_netvsc" else GuardMode.EVIDENCE


def rx_mode(options: AttachOptions, synthetic: Nic, vf: Nic, *, vlans: bool = False) -> RxMode:
    """Return who brings frames home: the kernel's hv_netvsc where it has enslaved the VF. Raises Refused.

    `vlans`: the VF filters VLANs out that the synthetic NIC has. The driver leaves that filter alone.
    """
    enslaved = vf.master == synthetic.ifindex
    if options.rx is RxMode.KERNEL and not enslaved:
        raise Refused(
            f"cannot leave the ingress of {vf.name} to the kernel",
            f"no driver has enslaved it to {synthetic.name}",
            "use --rx auto",
        )
    return options.rx or (RxMode.KERNEL if enslaved and not vlans else RxMode.REDIRECT)
