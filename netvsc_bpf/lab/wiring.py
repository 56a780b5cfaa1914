# SPDX-License-Identifier: GPL-2.0-only
"""Cables and switches made of veth and bridge devices, by rtnetlink.

Every cable is created from its far end, because that is the end whose ifindex can be chosen. The two ends of
a cable must never have the same ifindex: the kernel takes a device whose ifindex equals its iflink for one
without a lower device, treats its carrier changes as not urgent (linkwatch_urgent_event), and may delay the
opening of a bridge port by up to a second.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import AF_BRIDGE
from typing import Any, TypeVar

from pyroute2 import IPRoute

from netvsc_bpf.lab.fabrics import PortRules, SwitchRules
from netvsc_bpf.lab.namespace import call_in, namespace_path
from netvsc_bpf.model.errors import NoSuchNic

T = TypeVar("T")

_IFA_F_NODAD = 0x02
_ANSWER_WITHIN = 10
"""Hundredths of a second."""
_NUD_NOARP, _NTF_MASTER = 0x40, 0x04  # include/uapi/linux/neighbour.h


@dataclass(frozen=True, slots=True)
class Cable:
    """A veth whose near end is a NIC and whose far end is usually a port of a switch."""

    near: str
    far: str
    far_index: int
    """Outside the range of indexes that the kernel assigns to near ends."""
    mtu: int
    """Bytes, both ends."""
    mac: str | None = None
    """The near end's address; None lets the kernel choose."""


def with_rtnl(namespace: str, function: Callable[[Any], T]) -> T:
    """Run ``function`` with an rtnetlink socket of the namespace and return its result."""

    def inside() -> T:
        with IPRoute() as rtnl:
            return function(rtnl)

    return call_in(namespace, inside)


def index_of(rtnl: Any, name: str) -> int:
    """Return the ifindex of the interface.

    Raises:
        NoSuchNic: there is none of that name.
    """
    found = rtnl.link_lookup(ifname=name)
    if not found:
        raise NoSuchNic(f"look up {name}", "the lab has no such interface now")
    return int(found[0])


def near_index_of(rtnl: Any, far: str) -> int:
    """Return the ifindex of the near end of a cable, given its far end, whatever namespace it is in by now.

    Raises:
        NoSuchNic: there is no far end of that name.
    """
    (link,) = rtnl.get_links(index_of(rtnl, far))
    return int(link.get_attr("IFLA_LINK"))


def lay(rtnl: Any, cables: Sequence[Cable], near_namespace: str) -> None:
    """Create cables from the namespace of ``rtnl`` (the far ends) to another. Both ends are down."""
    with _opened(namespace_path(near_namespace)) as fd:
        for cable in cables:
            near: dict[str, Any] = {"ifname": cable.near, "mtu": cable.mtu, "net_ns_fd": fd}
            if cable.mac is not None:
                near["address"] = cable.mac
            rtnl.link("add", index=cable.far_index, ifname=cable.far, mtu=cable.mtu, kind="veth", peer=near)


def remove_near_end(rtnl: Any, far_index: int) -> bool:
    """Delete the near end, in this namespace, of the cable with that far end; False if it is not here."""
    for link in rtnl.get_links():
        # IFLA_LINK of a veth is its peer's ifindex, which is unique across all namespaces of a lab.
        if link.get_attr("IFLA_LINK") == far_index:
            rtnl.link("del", index=link["index"])
            return True
    return False


def build_switch(rtnl: Any, name: str, rules: SwitchRules) -> None:
    """Create a switch, up, without ports."""
    # Without snooping multicast is always flooded; with snooping only while there is no querier.
    rtnl.link("add", ifname=name, kind="bridge", br_mcast_snooping=int(rules.snooping), br_stp_state=0)
    index = index_of(rtnl, name)
    if rules.snooping:
        # Groups are flooded until members have had time to answer (br_multicast_set_querier()), by default
        # ten seconds. It asks once, when it begins, and then every two minutes.
        rtnl.link("set", index=index, kind="bridge", br_mcast_query_response_intvl=_ANSWER_WITHIN)
        rtnl.link("set", index=index, kind="bridge", br_mcast_startup_query_cnt=1, br_mcast_querier=1)
    rtnl.link("set", index=index, state="up")


def connect(rtnl: Any, port: int, switch: int, rules: PortRules) -> None:
    """Make the interface ``port`` a port of ``switch`` (both ifindexes)."""
    rtnl.link("set", index=port, master=switch)
    rtnl.link(
        "set",
        index=port,
        kind="bridge_slave",
        learning=int(rules.learn),
        unicast_flood=int(rules.flood_unicast),
        mcast_flood=int(rules.flood_groups),
        bcast_flood=int(rules.flood_groups),
    )
    if rules.backup is not None:
        rtnl.link("set", index=port, kind="bridge_slave", backup_port=index_of(rtnl, rules.backup))


def bind(rtnl: Any, port: int, mac: str) -> None:
    """Have the switch deliver a MAC to this port, until it is bound to another or the port is removed.

    The entry outlives the port's carrier: br_stp_disable_port() deletes learned ones alone.
    """
    rtnl.neigh("replace", family=AF_BRIDGE, ifindex=port, lladdr=mac, state=_NUD_NOARP, flags=_NTF_MASTER)


def set_up(rtnl: Any, index: int, up: bool) -> None:
    """Set or clear IFF_UP."""
    rtnl.link("set", index=index, state="up" if up else "down")


def add_address(rtnl: Any, index: int, address: str, prefix: int) -> None:
    """Add an IPv4 or IPv6 address that is usable at once."""
    if ":" in address:
        rtnl.addr("add", index=index, address=address, prefixlen=prefix, flags=_IFA_F_NODAD)
    else:
        rtnl.addr("add", index=index, address=address, prefixlen=prefix)


def write_sysctl(name: str, value: int) -> None:
    """Write a setting of the calling thread's namespace; ``name`` is its path below /proc/sys/net."""
    Path("/proc/sys/net", name).write_text(str(value))


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)
