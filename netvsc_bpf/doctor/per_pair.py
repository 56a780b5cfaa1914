# SPDX-License-Identifier: GPL-2.0-only
"""All checks of the devices of one pair; a check that cannot read its subject is a finding of its own."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from netvsc_bpf.discovery.hyperv_offers import offers
from netvsc_bpf.doctor import (
    foreign,
    guard,
    hyperv,
    order,
    qdiscs,
    receive_offloads,
    vf_addresses,
    vf_dhcp,
    vf_groups,
    vf_queues,
    vf_trust,
)
from netvsc_bpf.doctor.container_networks import check_container_networks
from netvsc_bpf.doctor.finding import Finding, warning
from netvsc_bpf.doctor.pairs import check_mtu
from netvsc_bpf.kernel.hooks.feature_probes import why_no_tcx
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.net.address_lists import multicast_lists, unicast_list
from netvsc_bpf.kernel.net.addresses_and_routes import own_addresses, own_routes
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.net.xdp_features import receives_fragments
from netvsc_bpf.model.nic import Nic, Pair
from netvsc_bpf.model.path import Hook


@dataclass(frozen=True, slots=True)
class Around:
    """What the checks of a pair need to know about the machine."""

    nics: Iterable[Nic]
    ours: Mapping[int, str] | None
    """The programs of netvsc-bpf by id; None without the privilege to query programs."""
    attached: bool


def examine_pair(rtnl: Rtnetlink, pair: Pair, around: Around) -> list[Finding]:
    """Run all checks of one pair."""
    findings = [*_vf(rtnl, pair, around.attached), *_like_the_synthetic(rtnl, pair, around)]
    findings += _hyperv(pair)
    qdiscs_of = f"the qdiscs of {pair.synthetic.name}"
    findings += _reading("qdisc", qdiscs_of, lambda: _qdiscs(rtnl, pair, around.attached))
    ours = around.ours
    if ours is not None:
        what = f"the programs of {pair.synthetic.name}"
        findings += _reading("foreign-tc", what, lambda: _foreign(rtnl, pair, ours))
        findings += _reading(guard.CHECK, what, lambda: _guard(pair.synthetic, ours))
        findings += _reading(order.CHECK, what, lambda: _order(rtnl, pair, around.nics, ours))
    return findings


def _vf(rtnl: Rtnetlink, pair: Pair, attached: bool) -> list[Finding]:
    vf = pair.vf
    if vf is None:
        return []
    found = [check_mtu(pair), vf_dhcp.check_ipv6(vf, attached)]
    found += _reading(
        "vf-addresses",
        f"the addresses of {vf.name}",
        lambda: [
            vf_addresses.check_addresses(vf, list(own_addresses(rtnl, vf.ifindex))),
            vf_addresses.check_routes(vf, list(own_routes(rtnl, vf.ifindex))),
        ],
    )
    found += vf_dhcp.check_dhcp(vf)
    found.append(vf_queues.check_spread(vf, vf_queues.read_spread(vf), os.cpu_count() or 1))
    groups = multicast_lists([vf.ifindex]).get(vf.ifindex, [])
    found.append(vf_groups.check_groups(vf, groups))
    return [finding for finding in found if finding is not None]


def _like_the_synthetic(rtnl: Rtnetlink, pair: Pair, around: Around) -> list[Finding]:
    """Check whether the VF can carry what the synthetic NIC carries."""
    if pair.vf is None:
        return []
    found = _reading(
        receive_offloads.CHECK,
        f"the receive offloads of {pair.vf.name}",
        lambda: receive_offloads.check_offloads(
            pair, receive_offloads.read_difference(rtnl, pair), attached=around.attached
        ),
    )
    return found + _reading(
        vf_trust.CHECK,
        f"the addresses of {pair.synthetic.name}",
        lambda: [vf_trust.check_trust(pair, around.nics, unicast_list(rtnl, pair.synthetic.ifindex))],
    )


def _hyperv(pair: Pair) -> list[Finding]:
    if not hyperv.is_netvsc(pair.synthetic):
        return []
    if pair.vf is not None:
        return [hyperv.check_path_of_host(pair, pair.vf)]
    return _reading(hyperv.CHECK, "what the host offers", lambda: [hyperv.check_offered(pair, offers())])


def _qdiscs(rtnl: Rtnetlink, pair: Pair, attached: bool) -> list[Finding | None]:
    if pair.vf is None:
        return []
    synthetic, vf = (qdiscs.read_qdiscs(rtnl, one.ifindex) for one in (pair.synthetic, pair.vf))
    twice = None if attached else hyperv.check_double_qdiscs(pair, synthetic, vf)
    return [*qdiscs.check_qdiscs(pair, synthetic, vf), twice]


def _foreign(rtnl: Rtnetlink, pair: Pair, ours: Mapping[int, str]) -> list[Finding | None]:
    synthetic = pair.synthetic
    hook = Hook.CLSACT if why_no_tcx() else Hook.TCX
    egress = foreign.read_egress(rtnl, synthetic.ifindex)
    return [
        foreign.check_xdp(synthetic, ours),
        foreign.check_xdp_reach(pair, ours),
        *foreign.check_tc(synthetic, egress, ours, hook),
    ]


def _guard(synthetic: Nic, ours: Mapping[int, str]) -> list[Finding]:
    if not guard.runs_guard(synthetic, ours):
        return []
    return [guard.check_guard(synthetic, fragments=receives_fragments(synthetic.ifindex))]


def _order(rtnl: Rtnetlink, pair: Pair, nics: Iterable[Nic], ours: Mapping[int, str]) -> list[Finding | None]:
    devices = [pair.synthetic] if pair.vf is None else [pair.synthetic, pair.vf]
    hooked = [order.read_hooked(rtnl, nic, direction) for nic in devices for direction in Direction]
    names = order.names_of({one for hook in hooked for one in hook.programs}, ours)
    on_vf = [one for hook in hooked if pair.vf and hook.nic == pair.vf.name for one in hook.programs]
    return [
        *(order.check_order(one, ours, names) for one in hooked),
        *(order.check_blind(one, ours, names) for one in hooked),
        *check_container_networks(pair, nics, on_vf, names),
    ]


def _reading(check: str, what: str, look: Callable[[], Iterable[Finding | None]]) -> list[Finding]:
    try:
        return [finding for finding in look() if finding is not None]
    except OSError as error:
        # Usually a device that was removed meanwhile: report it and go on with the other checks.
        return [warning(check, f"{what} cannot be read: {error.args[-1]}")]
