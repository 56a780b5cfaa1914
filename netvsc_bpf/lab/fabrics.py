# SPDX-License-Identifier: GPL-2.0-only
"""The kinds of fabric, as settings of a Linux bridge and its ports. Pure."""

from dataclasses import dataclass

from netvsc_bpf.lab.plan import Fabric, PairPlan


@dataclass(frozen=True, slots=True)
class PortRules:
    """Settings of one port of a switch."""

    learn: bool = True
    """Learn source addresses at this port."""
    flood_unicast: bool = True
    """Flood unicast for unknown addresses to this port."""
    flood_groups: bool = True
    """Send broadcast, and multicast without known members, to this port."""
    backup: str | None = None
    """The port that takes over, for the same packet, while this one has no carrier."""


@dataclass(frozen=True, slots=True)
class SwitchRules:
    """Settings of a whole switch."""

    snooping: bool = False
    """Send a group only to ports with members (IGMP), and act as querier."""


def switch_rules(fabric: Fabric) -> SwitchRules:
    """Return the rules of the switch itself."""
    return SwitchRules(snooping=fabric is Fabric.SNOOPING)


def uplink_rules(fabric: Fabric) -> PortRules:
    """Return the rules of the peer's port."""
    return PortRules(learn=fabric is not Fabric.HUB)


def synthetic_rules(fabric: Fabric) -> PortRules:
    """Return the rules of the synthetic NIC's port."""
    return PortRules(learn=fabric not in (Fabric.HUB, Fabric.EMBEDDED))


def vf_rules(fabric: Fabric, pair: PairPlan) -> PortRules:
    """Return the rules of the VF's port."""
    if fabric is Fabric.HOST:
        return PortRules(flood_unicast=False, flood_groups=False, backup=pair.synthetic_port)
    if fabric is Fabric.EMBEDDED:
        return PortRules(learn=False, flood_unicast=False, backup=pair.synthetic_port)
    return PortRules(learn=fabric is not Fabric.HUB)
