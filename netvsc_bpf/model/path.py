# SPDX-License-Identifier: GPL-2.0-only
"""Enumerations shared by code, CLI, metrics and documentation."""

from enum import StrEnum


class Path(StrEnum):
    """The path that a pair's egress takes."""

    SYNTHETIC = "synthetic"
    VF = "vf"


class Reason(StrEnum):
    """Why a pair is on its current path. The values are labels whose meaning never changes."""

    ARMED = "armed"
    NO_VF = "no-vf"
    VF_DOWN = "vf-down"
    NO_CARRIER = "no-carrier"
    VF_DETACHED = "vf-detached"
    VF_GONE = "vf-gone"
    TX_TIMEOUT = "tx-timeout"
    SETTLING = "settling"
    SYNTHETIC_DOWN = "synthetic-down"
    MTU_REFUSED = "mtu-refused"
    DAMPED = "damped"
    DRAINED = "drained"
    NOT_PERMITTED = "not-permitted"
    STALLED = "stalled"
    XDP_MISSING = "xdp-missing"
    UNREACHABLE = "unreachable"
    MANUAL = "manual"


class Hook(StrEnum):
    """How the tc programs are attached: a tcx link (kernel 6.6 and later) or a clsact filter."""

    TCX = "tcx"
    CLSACT = "clsact"


class Liveness(StrEnum):
    """How a VF failure is detected: the fallback levels, best first."""

    FENTRY = "fentry"
    LIVE = "live"
    NETLINK = "netlink"


class RxMode(StrEnum):
    """How VF ingress reaches the synthetic NIC: by home, or by hv_netvsc's rx_handler."""

    REDIRECT = "redirect"
    KERNEL = "kernel"


class GuardMode(StrEnum):
    """Which frames are dropped as copies that a switch has delivered to both NICs."""

    OFF = "off"
    MULTICAST = "multicast"
    """Broadcast and multicast by the path that is not in use."""
    ALL = "all"
    """Everything that arrives on the synthetic NIC while the VF is the path."""
    EVIDENCE = "evidence"
    """What the other path has delivered, or the guest itself has sent (ebpf/evidence.h)."""


class XdpMode(StrEnum):
    """Where an XDP program runs."""

    NATIVE = "native"
    """In the driver, before the kernel makes a packet of the frame."""
    GENERIC = "generic"
    """In the stack, with any driver: slower, and the kernel does no GRO on the NIC meanwhile."""


class LeavePolicy(StrEnum):
    """What happens to a VF that is up and that netvsc-bpf decided not to use.

    Steering moves egress only: an embedded switch keeps delivering to a VF that is up, and hv_netvsc keeps
    sending on it.
    """

    DOWN = "down"
    """It is taken down, which the NIC's switch, hv_netvsc and its host follow."""
    STEER = "steer"
    """It stays up: for fabrics that deliver to the port from which the guest last sent."""


class ReturnPolicy(StrEnum):
    """Whether a VF that failed is used again by itself."""

    AUTO = "auto"
    MANUAL = "manual"


class XdpPolicy(StrEnum):
    """What happens to a VF without an XDP program if a foreign one runs on the synthetic NIC."""

    WARN = "warn"
    REQUIRE = "require"
