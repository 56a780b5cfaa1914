# SPDX-License-Identifier: GPL-2.0-only
"""All checks, in the order in which they explain each other."""

import os
from collections.abc import Mapping

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from netvsc_bpf import datapath
from netvsc_bpf.discovery.nics import list_nics
from netvsc_bpf.doctor import foreign, vf_addresses
from netvsc_bpf.doctor.bcc import check_bcc
from netvsc_bpf.doctor.bpffs import check_bpffs
from netvsc_bpf.doctor.btf import check_btf
from netvsc_bpf.doctor.capabilities import check_capabilities
from netvsc_bpf.doctor.finding import Finding, is_fit, warning
from netvsc_bpf.doctor.hook import check_hook
from netvsc_bpf.doctor.kernel_version import check_kernel_version
from netvsc_bpf.doctor.libbpf import check_libbpf
from netvsc_bpf.doctor.liveness import check_liveness
from netvsc_bpf.doctor.lockdown import check_lockdown
from netvsc_bpf.doctor.pairs import check_mtu, examine_pairs
from netvsc_bpf.kernel import netns
from netvsc_bpf.kernel.bpffs_layout import NetnsPins
from netvsc_bpf.kernel.probes import why_no_tcx
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.nic import Nic, Pair
from netvsc_bpf.model.path import Hook


def examine() -> list[Finding]:
    """Examine the machine and the NICs of this thread's network namespace. Changes nothing.

    Raises KernelError when not even the interfaces can be listed.
    """
    machine = [
        check_kernel_version(os.uname().release),
        check_btf(),
        check_bcc(),
        check_libbpf(),
        check_bpffs(),
        check_capabilities(),
        check_lockdown(),
    ]
    able = is_fit([check_libbpf(), check_capabilities()])
    # Without privilege every probe fails, and each would send the reader after the wrong cause.
    machine += [check_hook(), check_liveness()] if able else [_untried("hook"), _untried("liveness")]
    with IPRoute() as ipr:
        pairs, findings = examine_pairs(list_nics(ipr), _attached() if is_fit(machine) else {})
        for pair in pairs:
            findings += _examine_vf(pair)
            if able:
                findings += _examine_foreign(ipr, pair.synthetic)
    return machine + findings


def _attached() -> Mapping[int, int | None]:
    try:
        statuses = datapath.status(None)
    except NetvscBpfError:
        # What keeps status from reading them it says itself; here the NICs are judged as if nothing were
        # attached.
        return {}
    return {one.synthetic.ifindex: None if one.vf is None else one.vf.ifindex for one in statuses}


def _examine_vf(pair: Pair) -> list[Finding]:
    vf = pair.vf
    if vf is None:
        return []
    try:
        addresses = vf_addresses.read_addresses(vf.ifindex)
        routes = vf_addresses.read_routes(vf.ifindex)
    except NetlinkError as error:
        return [warning("vf-addresses", f"those of {vf.name} cannot be read: {error.args[-1]}")]
    found = (
        check_mtu(pair),
        vf_addresses.check_addresses(vf, addresses),
        vf_addresses.check_routes(vf, routes),
    )
    return [finding for finding in found if finding is not None]


def _examine_foreign(ipr: IPRoute, synthetic: Nic) -> list[Finding]:
    ours = foreign.own_programs(NetnsPins(netns.current_inode()))
    hook = Hook.CLSACT if why_no_tcx() else Hook.TCX
    try:
        egress = foreign.read_egress(ipr, synthetic.ifindex)
    except (OSError, NetlinkError) as error:
        return [warning("foreign-tc", f"the filters of {synthetic.name} cannot be read: {error.args[-1]}")]
    xdp = foreign.check_xdp(synthetic, ours)
    return ([] if xdp is None else [xdp]) + foreign.check_tc(synthetic, egress, ours, hook)


def _untried(check: str) -> Finding:
    return warning(check, "not tried without libbpf and the capabilities above")
