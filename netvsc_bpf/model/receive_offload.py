# SPDX-License-Identifier: GPL-2.0-only
"""The features of an interface that merge received packets, and so change what the network stack sees."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ReceiveOffload(StrEnum):
    """One of them, by the kernel's name (netdev_features_strings, net/ethtool/common.c)."""

    GRO = "rx-gro"
    """NETIF_F_GRO: the kernel merges packets so that they can be segmented again into the same packets."""
    GRO_LIST = "rx-gro-list"
    """NETIF_F_GRO_FRAGLIST: it chains packets that no local socket wants, for forwarding."""
    UDP_GRO = "rx-udp-gro-forwarding"
    """NETIF_F_GRO_UDP_FWD: it merges UDP packets that are forwarded."""
    LRO = "rx-lro"
    """NETIF_F_LRO: the device merges packets, which cannot be segmented again into the same packets."""
    GRO_HW = "rx-gro-hw"
    """NETIF_F_GRO_HW: the device merges packets by the rules of GRO."""


@dataclass(frozen=True, slots=True)
class FeatureState:
    """A feature of one interface (struct ethtool_get_features_block, include/uapi/linux/ethtool.h)."""

    available: bool
    """It can be switched; otherwise it is fixed, on or off."""
    requested: bool
    """What was last requested, by an administrator or the driver; meaningless if it is fixed."""
    active: bool
    """It is on. The kernel or the driver may refuse what was requested."""


ABSENT = FeatureState(available=False, requested=False, active=False)
"""The state of a feature that this kernel does not know."""

Offloads = Mapping[ReceiveOffload, FeatureState]
"""All receive offloads of one interface."""
