# SPDX-License-Identifier: GPL-2.0-only
"""Finds the devices that are stacked on a NIC: VLANs, macvlans, and what is on those. Pure."""

from collections.abc import Iterable

from netvsc_bpf.model.nic import Nic


def stack(nics: Iterable[Nic], lowest: Nic) -> list[Nic]:
    """Return a NIC and the devices on it, directly or not, lower ones first."""
    every, found = list(nics), [lowest]
    for lower in found:
        found += [nic for nic in every if nic.link == lower.ifindex and nic not in found]
    return found
