# SPDX-License-Identifier: GPL-2.0-only
"""The kinds of fabric, as settings of a Linux bridge and its ports. Pure."""

from dataclasses import dataclass

from netvsc_bpf.lab.plan import Fabric, PairPlan


@dataclass(frozen=True, slots=True)
class PortRules:
    """What a switch does at a port."""

    learn: bool = True
    """Remember the source addresses that come in here."""
    flood_unicast: bool = True
    """Send it unicast for addresses that no port is known for."""
    flood_groups: bool = True
    """Send it broadcast, and multicast that nobody has asked for."""
    backup: str | None = None
    """The port that takes over, within the same packet, while this one has no carrier."""


@dataclass(frozen=True, slots=True)
class SwitchRules:
    """What a switch does as a whole."""

    snooping: bool = False
    """Send a group to the ports with members alone (IGMP), and ask for them."""


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
