# SPDX-License-Identifier: GPL-2.0-only
"""Finds an attached synthetic NIC that has left its network namespace.

The kernel keeps tcx and XDP links on a device that moves (__dev_change_net_namespace() detaches neither), and
reports on which ifindex a link is, but not in which namespace. So find() searches the namespaces for a device
with that ifindex that runs the pair's program. clsact filters go with the qdisc; then only the address on the
bus is left, if it was seen before.
"""

from contextlib import closing
from dataclasses import dataclass

from netvsc_bpf.discovery.nics import get_nic, list_nics
from netvsc_bpf.kernel.bpf import links
from netvsc_bpf.kernel.bpf.links import LinkState
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.hooks.tcx_query import tcx_programs
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process.errnos import is_absent
from netvsc_bpf.kernel.process.namespace_handle import NetnsHandle, others
from netvsc_bpf.model.errors import NoSuchNic
from netvsc_bpf.model.nic import Nic


@dataclass(frozen=True, slots=True)
class NicLocation:
    """A NIC, and the namespace that it is in now."""

    place: NetnsHandle
    nic: Nic


def find(pins: NetnsPins, ifindex: int, known: Nic | None) -> NicLocation | None:
    """Search every other namespace for a synthetic NIC; None if it is gone or not reachable.

    `known` is the NIC as it was in this namespace. Raises MissingCapability.
    """
    steer, guard = links.state(pins.link(ifindex, "steer")), links.state(pins.link(ifindex, "guard"))
    linked = steer is not None or guard is not None
    if linked and not any(state is not None and state.ifindex for state in (steer, guard)):
        return None  # the device is gone: its links have no ifindex
    if not linked and (known is None or known.parent is None):
        return None
    with closing(others()) as places:
        for place in places:
            nic = _linked(steer, guard) if linked else _on_the_bus(known)
            if nic is not None:
                return NicLocation(place, nic)
    return None


def _linked(steer: LinkState | None, guard: LinkState | None) -> Nic | None:
    for state in (steer, guard):
        if state is None or not state.ifindex:
            continue
        try:
            with Rtnetlink() as rtnl:
                nic = get_nic(rtnl, state.ifindex)
            if state is guard:
                return nic if nic.xdp_prog_id == state.prog_id else None
            return nic if state.prog_id in tcx_programs(nic.ifindex, Direction.EGRESS) else None
        except NoSuchNic:
            return None
        except OSError as error:
            if not is_absent(error):
                raise
            return None
    return None


def _on_the_bus(known: Nic | None) -> Nic | None:
    with Rtnetlink() as rtnl:
        nics = list_nics(rtnl)
    return next(
        (
            nic
            for nic in nics
            if known is not None and (nic.bus, nic.parent, nic.mac) == (known.bus, known.parent, known.mac)
        ),
        None,
    )
