# SPDX-License-Identifier: GPL-2.0-only
"""Finds one NIC in a list of NICs. Pure."""

from collections.abc import Iterable

from netvsc_bpf.model.errors import NoSuchNic
from netvsc_bpf.model.nic import Nic


def by_name(nics: Iterable[Nic], name: str) -> Nic:
    """Return the NIC with this name or alternative name. Raises NoSuchNic if there is none."""
    nic = find_by_name(nics, name)
    if nic is None:
        raise no_such_nic(name)
    return nic


def find_by_name(nics: Iterable[Nic], name: str | None) -> Nic | None:
    """Return the NIC with this name or alternative name; None if there is none, or no name is given.

    The kernel ensures that all names in a namespace are unique, including alternative ones.
    """
    return next((nic for nic in nics if name == nic.name or name in nic.altnames), None)


def name_of(ifindex: int, nics: Iterable[Nic]) -> str:
    """Return the name of the NIC with this ifindex, or "interface N" if it is gone."""
    return next((nic.name for nic in nics if nic.ifindex == ifindex), f"interface {ifindex}")


def describe_owner(nic: Nic, nics: Iterable[Nic]) -> str:
    """Return a description of the master of ``nic``, like ``bridge br0``."""
    for other in nics:
        if other.ifindex == nic.master:
            return f"{other.kind or other.driver or 'interface'} {other.name}"
    return f"the interface with ifindex {nic.master}"


def no_such_nic(which: int | str) -> NoSuchNic:
    """Return the error for an interface that is not in this network namespace."""
    name = f"ifindex {which}" if isinstance(which, int) else which
    return NoSuchNic(
        name,
        "no such interface in this network namespace",
        "see `ip link`; --netns selects another namespace",
    )
