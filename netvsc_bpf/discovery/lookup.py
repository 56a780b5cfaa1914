# SPDX-License-Identifier: GPL-2.0-only
"""Finding one NIC among those that are there. Pure."""

from collections.abc import Iterable

from netvsc_bpf.model.errors import NoSuchNic
from netvsc_bpf.model.nic import Nic


def by_name(nics: Iterable[Nic], name: str) -> Nic:
    """Return the NIC called ``name``; raise NoSuchNic when there is none."""
    for nic in nics:
        if nic.name == name:
            return nic
    raise no_such_nic(name)


def describe_owner(nic: Nic, nics: Iterable[Nic]) -> str:
    """Return the master of ``nic`` in words, as ``bridge br0``."""
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
        "`ip link` lists those that are there, --netns chooses another namespace",
    )
