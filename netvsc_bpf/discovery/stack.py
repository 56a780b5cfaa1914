# SPDX-License-Identifier: GPL-2.0-only
"""Finds the devices above a NIC: VLANs, macvlans, what is on those, and masters. Pure."""

from collections.abc import Iterable

from netvsc_bpf.model.nic import Nic

_TAGGING = frozenset({"vlan", "openvswitch"})


def stack(nics: Iterable[Nic], lowest: Nic) -> list[Nic]:
    """Return a NIC and the devices on it, directly or not, lower ones first."""
    every, found = list(nics), [lowest]
    for lower in found:
        found += [nic for nic in every if nic.link == lower.ifindex and nic not in found]
    return found


def above(nics: Iterable[Nic], lowest: Nic) -> list[Nic]:
    """Return what is on a NIC as stack() does, and the bridges and bonds that it is a port of, and so on."""
    every, found = list(nics), [lowest]
    for lower in found:
        found += [
            nic
            for nic in every
            if nic not in found and (nic.link == lower.ifindex or nic.ifindex == lower.master)
        ]
    return found[1:]


def uses_vlans(nics: Iterable[Nic], lowest: Nic) -> bool:
    """Return whether a device above a NIC receives tagged frames, or treats them otherwise than others."""
    return any(nic.kind in _TAGGING or nic.vlan_aware for nic in above(nics, lowest))
