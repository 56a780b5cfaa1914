# SPDX-License-Identifier: GPL-2.0-only
"""Has the VF addresses or routes of its own? Then the stack may talk past the pair (scenario row 13)."""

from netvsc_bpf.doctor.finding import Finding, warning
from netvsc_bpf.model.names import quoted
from netvsc_bpf.model.nic import Nic

_SHOWN = 4


def check_addresses(vf: Nic, addresses: list[str]) -> Finding | None:
    """Warn of any address: link-local ones too answer to neighbours in the VF's name."""
    if not addresses:
        return None
    return warning(
        "vf-addresses",
        f"{vf.name} is a VF and has {_some(addresses)}",
        f"`ip address flush dev {quoted(vf.name)}`, and keep DHCP and IPv6 off it with the rules in deploy/",
    )


def check_routes(vf: Nic, routes: list[str]) -> Finding | None:
    """Warn of any route that leaves through the VF itself."""
    if not routes:
        return None
    return warning(
        "vf-routes",
        f"{vf.name} is a VF and carries the route to {_some(routes)}",
        f"`ip route flush dev {quoted(vf.name)}`: routes belong to the synthetic NIC",
    )


def _some(items: list[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more
