# SPDX-License-Identifier: GPL-2.0-only
"""Has the members of groups on a NIC report their memberships again, by the path in use.

A switch that snoops IGMP or MLD sends a group to the ports where members reported. After a change of path
that is the wrong port, until the next query of a querier: up to 125 seconds. So the NIC receives a query that
was on no wire (IngressInjector). The stack answers it, and reports leave like any other packet.

The query reaches all that a query of the fabric reaches: the NIC itself, macvlans on it in any network
namespace, and, where the NIC is a bridge port, what is behind the bridge. VLAN devices receive one each.
"""

from collections.abc import Collection, Iterable, Mapping

from netvsc_bpf.kernel.bpf.ingress_injector import IngressInjector
from netvsc_bpf.kernel.net.address_lists import Membership, multicast_lists
from netvsc_bpf.kernel.net.frame_parts import ALL_NODES_MAC
from netvsc_bpf.kernel.net.membership_query import ALL_HOSTS_MAC, igmp_query, mld_query
from netvsc_bpf.kernel.net.upper_devices import Link

_IPV4, _IPV6 = b"\x01\x00\x5e", b"\x33\x33"
"""How the MACs of groups begin (RFC 1112, section 6.4; RFC 2464, section 7)."""
_BROADCAST = b"\xff" * 6


def request_reports(stack: Collection[Link]) -> None:
    """Request reports from the members on an interface and its upper devices, which `stack` has.

    The reports follow after a tenth of a second at most (IGMP), or a few jiffies (MLD). Does nothing where no
    group has members. What is not received, because an interface is gone meanwhile, is not repeated here.
    Raises OSError.
    """
    wanted = queries(stack, multicast_lists([link.ifindex for link in stack]))
    if wanted:
        with IngressInjector() as injector:
            for receiver, query in wanted:
                injector.receive(receiver, query)


def queries(stack: Iterable[Link], lists: Mapping[int, Iterable[Membership]]) -> list[tuple[int, bytes]]:
    """Return the queries, each with the ifindex of the interface that is to receive it. Pure.

    `lists` are the multicast addresses by interface. They show for which protocol there are members: a lower
    device has the addresses of its upper devices too. Members behind a bridge are not in them, so the port of
    a bridge, or of any other master, receives both queries. They are then broadcast frames, for which bridges
    and Open vSwitch do not run their snooping: as a query of the fabric, ours would win the election over a
    bridge's own querier (br_multicast_select_querier() in net/bridge/br_multicast.c), and there would be no
    querier for four minutes.
    """
    found = []
    for link in stack:
        if not link.up:
            continue
        macs = {one.mac for one in lists.get(link.ifindex, ())}
        port = link.master is not None
        if port or any(mac.startswith(_IPV4) for mac in macs - {ALL_HOSTS_MAC}):
            found.append((link.ifindex, igmp_query(_BROADCAST if port else ALL_HOSTS_MAC)))
        if port or any(mac.startswith(_IPV6) for mac in macs - {ALL_NODES_MAC}):
            found.append((link.ifindex, mld_query(_BROADCAST if port else ALL_NODES_MAC)))
    return found
