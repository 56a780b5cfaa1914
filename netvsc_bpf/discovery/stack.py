# SPDX-License-Identifier: GPL-2.0-only
"""Finds the devices above a NIC: VLANs, macvlans, what is on those, and masters. Pure."""

from collections.abc import Callable, Iterable

from netvsc_bpf.model.nic import Nic

_TAGGING = frozenset({"vlan", "openvswitch"})


def stack(nics: Iterable[Nic], lowest: Nic) -> list[Nic]:
    """Return a NIC and the devices on it, directly or not, lower ones first."""
    return _closure(nics, lowest, lambda upper, lower: upper.link == lower.ifindex)


def above(nics: Iterable[Nic], lowest: Nic) -> list[Nic]:
    """Return what is on a NIC as stack() does, and the bridges and bonds that it is a port of, and so on."""
    return _closure(
        nics, lowest, lambda upper, lower: lower.ifindex == upper.link or upper.ifindex == lower.master
    )[1:]


def _closure(nics: Iterable[Nic], lowest: Nic, is_on: Callable[[Nic, Nic], bool]) -> list[Nic]:
    every, found = list(nics), [lowest]
    for lower in found:
        found += [nic for nic in every if is_on(nic, lower) and nic not in found]
    return found


def uses_vlans(nics: Iterable[Nic], lowest: Nic) -> bool:
    """Return whether a device above a NIC receives tagged frames, or treats them otherwise than others."""
    return any(nic.kind in _TAGGING or nic.vlan_aware for nic in above(nics, lowest))
