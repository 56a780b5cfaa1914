# SPDX-License-Identifier: GPL-2.0-only
"""Does a container network run on the VF as if it were an uplink of its own?

Cilium and Calico in eBPF mode attach to every device that looks like an uplink. On the VF they would filter
and translate packets of the synthetic NIC: each packet twice, or on one path only. They are recognized by
the names of their programs (cil_from_netdev, cali_tc_preamble) and interfaces (cilium_host, cali...,
vxlan.calico).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netvsc_bpf.doctor.finding import Finding, ok, warning
from netvsc_bpf.model.nic import Nic, Pair

CHECK = "container-network"


@dataclass(frozen=True, slots=True)
class _Network:
    name: str
    programs: str
    """Prefixes of the names of its programs."""
    interfaces: tuple[str, ...]
    """Prefixes of the names of its interfaces."""
    remedy: str


_NETWORKS = (
    _Network(
        "Cilium",
        "cil_",
        ("cilium_",),
        "list {synthetic}, but not {vf}, in Cilium's `devices` option",
    ),
    _Network(
        "Calico",
        "cali",
        ("cali", "vxlan.calico", "wireguard.cali"),
        "make Calico's bpfDataIfacePattern match {synthetic}, but not {vf}",
    ),
)


def check_container_networks(
    pair: Pair, nics: Iterable[Nic], on_vf: Iterable[int], names: Mapping[int, str]
) -> list[Finding]:
    """Check the programs on the VF; without any, report at most that such a network is installed."""
    if pair.vf is None:
        return []
    findings = []
    interfaces = [nic.name for nic in nics]
    found_on_vf = sorted({names[one] for one in on_vf if one in names})
    for network in _NETWORKS:
        theirs = [name for name in found_on_vf if name.startswith(network.programs)]
        here = [name for name in interfaces if name.startswith(network.interfaces)]
        if theirs:
            findings.append(
                warning(
                    CHECK,
                    f"{network.name} runs on the VF {pair.vf.name}: {', '.join(theirs)}",
                    network.remedy.format(synthetic=pair.synthetic.name, vf=pair.vf.name),
                )
            )
        elif here:
            findings.append(
                ok(CHECK, f"{network.name} is installed ({here[0]}), but not on the VF {pair.vf.name}")
            )
    return findings
