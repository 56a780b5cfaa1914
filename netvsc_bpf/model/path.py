# SPDX-License-Identifier: GPL-2.0-only
"""The closed sets that code, CLI, metrics and documents share."""

from enum import StrEnum


class Path(StrEnum):
    """Which way the egress of a pair goes."""

    SYNTHETIC = "synthetic"
    VF = "vf"


class Reason(StrEnum):
    """Why a pair is on the path that it is on. The values are labels: they never change meaning."""

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


class Hook(StrEnum):
    """How the tc programs are attached: a tcx link (kernel 6.6 and later) or a clsact filter."""

    TCX = "tcx"
    CLSACT = "clsact"


class Liveness(StrEnum):
    """How the death of a VF is seen, best first (DESIGN.md, "Liveness")."""

    FENTRY = "fentry"
    LIVE = "live"
    NETLINK = "netlink"


class RxMode(StrEnum):
    """Who brings the VF's ingress home: our redirect, or the kernel's own rx_handler."""

    REDIRECT = "redirect"
    KERNEL = "kernel"


class GuardMode(StrEnum):
    """Which frames arriving on the synthetic NIC are dropped while the VF is the path."""

    OFF = "off"
    MULTICAST = "multicast"
    ALL = "all"


class LeavePolicy(StrEnum):
    """What becomes of a VF that is up and that we decided not to use.

    Steering moves egress alone: an embedded switch goes on delivering to a VF that is up, and hv_netvsc goes
    on sending by it.
    """

    DOWN = "down"
    """It is taken down, which the NIC's switch, hv_netvsc and its host follow."""
    STEER = "steer"
    """It stays up: for fabrics that deliver by where the guest was last heard."""


class XdpPolicy(StrEnum):
    """What becomes of a VF that runs no XDP program while somebody's runs on the synthetic NIC."""

    WARN = "warn"
    REQUIRE = "require"
