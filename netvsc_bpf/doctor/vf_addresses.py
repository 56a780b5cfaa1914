# SPDX-License-Identifier: GPL-2.0-only
"""Does the VF have addresses or routes of its own? Then traffic may bypass the pair (scenario row 13)."""

from netvsc_bpf.doctor.finding import Finding, warning
from netvsc_bpf.model.names import quoted
from netvsc_bpf.model.nic import Nic

_SHOWN = 4


def check_addresses(vf: Nic, addresses: list[str]) -> Finding | None:
    """Warn of any address: even with a link-local one the VF answers neighbours on its own."""
    if not addresses:
        return None
    return warning(
        "vf-addresses",
        f"the VF {vf.name} has an address of its own: {_some(addresses)}",
        f"`ip address flush dev {quoted(vf.name)}`, and keep DHCP and IPv6 off it with the rules in deploy/",
    )


def check_routes(vf: Nic, routes: list[str]) -> Finding | None:
    """Warn of any route through the VF itself."""
    if not routes:
        return None
    return warning(
        "vf-routes",
        f"the VF {vf.name} has a route of its own: {_some(routes)}",
        f"`ip route flush dev {quoted(vf.name)}`: routes belong to the synthetic NIC",
    )


def _some(items: list[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more
