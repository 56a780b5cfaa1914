# SPDX-License-Identifier: GPL-2.0-only
"""All checks, ordered so that a cause comes before its consequences."""

import os
from collections.abc import Mapping

from netvsc_bpf import datapath
from netvsc_bpf.discovery.nics import list_nics
from netvsc_bpf.doctor.bcc import check_bcc
from netvsc_bpf.doctor.bpffs import check_bpffs
from netvsc_bpf.doctor.btf import check_btf
from netvsc_bpf.doctor.capabilities import check_capabilities, check_raw_capability
from netvsc_bpf.doctor.finding import Finding, is_fit, warning
from netvsc_bpf.doctor.foreign import own_programs
from netvsc_bpf.doctor.hidden_pins import check_hidden_pins
from netvsc_bpf.doctor.hook import check_hook
from netvsc_bpf.doctor.kernel_version import check_kernel_version
from netvsc_bpf.doctor.libbpf import check_libbpf
from netvsc_bpf.doctor.liveness import check_liveness
from netvsc_bpf.doctor.lockdown import check_lockdown
from netvsc_bpf.doctor.orphans import check_orphans
from netvsc_bpf.doctor.pairs import examine_pairs
from netvsc_bpf.doctor.per_pair import Around, examine_pair
from netvsc_bpf.doctor.softnet import check_softnet
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.model.errors import NetvscBpfError


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
        check_softnet(),
    ]
    raw = check_raw_capability()
    machine += [] if raw is None else [raw]
    gone = check_orphans(NetnsPins(namespaces.current_inode()))
    machine += [] if gone is None else [gone]
    able = is_fit([check_libbpf(), check_capabilities()])
    # Without privilege every probe fails, and each would point the reader to the wrong cause.
    machine += [check_hook(), check_liveness()] if able else [_untried("hook"), _untried("liveness")]
    with Rtnetlink() as rtnl:
        nics = list_nics(rtnl)
        attached = _attached() if is_fit(machine) else {}
        pairs, findings = examine_pairs(nics, attached)
        findings += check_hidden_pins(nics, NetnsPins(namespaces.current_inode())) if able else []
        ours = own_programs(NetnsPins(namespaces.current_inode())) if able else None
        for pair in pairs:
            findings += examine_pair(
                rtnl, pair, Around(nics, ours, attached=pair.synthetic.ifindex in attached)
            )
    return machine + findings


def _attached() -> Mapping[int, int | None]:
    try:
        statuses = datapath.status(None)
    except NetvscBpfError:
        # `status` reports why pairs cannot be read; here the NICs are checked as if nothing were attached.
        return {}
    return {one.synthetic.ifindex: None if one.vf is None else one.vf.ifindex for one in statuses}


def _untried(check: str) -> Finding:
    return warning(check, "not checked: needs libbpf and the capabilities above")
