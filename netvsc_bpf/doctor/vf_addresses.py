# SPDX-License-Identifier: GPL-2.0-only
"""Has the VF addresses or routes of its own? Then the stack may talk past the pair (scenario row 13)."""

import socket
from collections.abc import Iterator

from pyroute2 import IPRoute

from netvsc_bpf.doctor.finding import Finding, warning
from netvsc_bpf.model.nic import Nic

_RTN_UNICAST = 1  # include/uapi/linux/rtnetlink.h
_RTPROT_KERNEL = 2
_RT_TABLE_LOCAL = 255
_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_SHOWN = 4


def check_addresses(vf: Nic, addresses: list[str]) -> Finding | None:
    """Warn of any address: link-local ones too answer to neighbours in the VF's name."""
    if not addresses:
        return None
    return warning(
        "vf-addresses",
        f"{vf.name} is a VF and has {_some(addresses)}",
        f"`ip address flush dev {vf.name}`, and keep DHCP and IPv6 off it with the rules in deploy/",
    )


def check_routes(vf: Nic, routes: list[str]) -> Finding | None:
    """Warn of any route that leaves through the VF itself."""
    if not routes:
        return None
    return warning(
        "vf-routes",
        f"{vf.name} is a VF and carries the route to {_some(routes)}",
        f"`ip route flush dev {vf.name}`: routes belong to the synthetic NIC",
    )


def read_addresses(ifindex: int) -> list[str]:
    """Return the addresses of an interface as ``192.0.2.1/24``. Raises NetlinkError."""
    with IPRoute(strict_check=True) as ipr:
        return [
            f"{message.get_attr('IFA_LOCAL') or message.get_attr('IFA_ADDRESS')}/{message['prefixlen']}"
            for family in _FAMILIES
            for message in ipr.get_addr(family=family, index=ifindex)
            if message["index"] == ifindex
        ]


def read_routes(ifindex: int) -> list[str]:
    """Return the destinations routed through an interface, but for what follows from its addresses.

    Filtered by the kernel (NETLINK_GET_STRICT_CHK): a router may hold a million of them. Raises NetlinkError.
    """
    with IPRoute(strict_check=True) as ipr:
        return [destination for family in _FAMILIES for destination in _routes(ipr, family, ifindex)]


def _routes(ipr: IPRoute, family: int, ifindex: int) -> Iterator[str]:
    for message in ipr.get_routes(family=family, oif=ifindex):
        table = message.get_attr("RTA_TABLE") or message["table"]
        follows = message["proto"] == _RTPROT_KERNEL or table == _RT_TABLE_LOCAL
        if message["type"] == _RTN_UNICAST and not follows and message.get_attr("RTA_OIF") == ifindex:
            destination = message.get_attr("RTA_DST")
            yield "default" if destination is None else f"{destination}/{message['dst_len']}"


def _some(items: list[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more
