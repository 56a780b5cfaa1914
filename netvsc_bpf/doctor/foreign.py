# SPDX-License-Identifier: GPL-2.0-only
"""Which programs of others are on the synthetic NIC? They stay; some of them interfere."""

from collections.abc import Container
from dataclasses import dataclass

from netvsc_bpf.discovery.xdp_reach import bypassed_xdp_program, describe
from netvsc_bpf.doctor.finding import Finding, ok, problem, warning
from netvsc_bpf.kernel.bpf import links, pair_programs, pin_files
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.bpf.pins import attached_ifindexes, upgrades
from netvsc_bpf.kernel.hooks import clsact
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.hooks.tcx_query import tcx_programs
from netvsc_bpf.kernel.net.qdiscs import list_qdiscs
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.model.errors import MissingCapability, UntrustedFolder
from netvsc_bpf.model.names import quoted
from netvsc_bpf.model.nic import Nic, Pair
from netvsc_bpf.model.path import Hook

_TC = "foreign-tc"
_XDP = "foreign-xdp"


@dataclass(frozen=True, slots=True)
class Egress:
    """The egress of one NIC: ids of tcx programs, and of the filters' programs (None: not a BPF filter)."""

    tcx: tuple[int, ...] = ()
    filters: tuple[int | None, ...] = ()
    ingress_qdisc: bool = False
    """An `ingress` qdisc has the handle ffff:, which clsact needs."""


def check_xdp(synthetic: Nic, ours: Container[int]) -> Finding | None:
    """Check for an XDP program of others: guard never replaces it."""
    if synthetic.xdp_prog_id is None or synthetic.xdp_prog_id in ours:
        return None
    what = (
        f"{synthetic.name} runs XDP program {synthetic.xdp_prog_id} of another owner; guard cannot be added"
    )
    if synthetic.driver == "hv_netvsc":
        return ok(_XDP, f"{what}; it is off by default with hv_netvsc")
    return problem(_XDP, what, "attach with --guard off")


def check_xdp_reach(pair: Pair, ours: Container[int]) -> Finding | None:
    """Warn of an XDP program of others that does not see packets received by the VF (rows 48 and 49)."""
    synthetic, vf = pair.synthetic, pair.vf
    if vf is None:
        return None
    program = bypassed_xdp_program(synthetic, vf, guarded=synthetic.xdp_prog_id in ours)
    if program is None:
        return None
    remedy = (
        f"attach it to {vf.name} too, each time that it appears; --xdp require keeps the VF unused until then"
    )
    return warning(_XDP, describe(program, synthetic, vf), remedy)


def check_tc(synthetic: Nic, egress: Egress, ours: Container[int], hook: Hook) -> list[Finding]:
    """Check what the tc programs of others see: steer's redirect ends processing for a packet.

    tcx runs in order and before all filters; as a filter, steer goes behind the others
    (kernel/hooks/clsact.py).
    """
    on_tcx = list(egress.tcx)
    steer = next((place for place, one in enumerate(on_tcx) if one in ours), len(on_tcx))
    before = [f"tcx program {one}" for one in on_tcx[:steer]]
    late = [f"tcx program {one}" for one in on_tcx[steer:] if one not in ours]
    after: list[str] = []
    filters = [
        "a filter" if one is None else f"filter with program {one}"
        for one in egress.filters
        if one not in ours
    ]
    (after if hook is Hook.TCX else before).extend(filters)
    findings = []
    if before:
        findings.append(ok(_TC, f"{synthetic.name} egress, before steer: {', '.join(before)}"))
    if late:
        findings.append(
            warning(
                _TC,
                f"{synthetic.name} egress, after steer, so bypassed by steered packets: {', '.join(late)}",
                "`netvsc-bpf run` moves steer behind them automatically; without it, run attach again",
            )
        )
    if after:
        findings.append(
            warning(
                _TC,
                f"{synthetic.name} egress, bypassed by steered packets: {', '.join(after)}",
                "attach them with tcx before steer (BPF_F_BEFORE)",
            )
        )
    # sch_ingress and sch_clsact share the one handle ffff:, so the second of them gets EEXIST.
    if egress.ingress_qdisc and hook is Hook.CLSACT:
        findings.append(
            problem(
                _TC,
                f"{synthetic.name} has an ingress qdisc, which excludes the clsact qdisc that steer needs",
                f"`tc qdisc del dev {quoted(synthetic.name)} ingress`, and move its filters to clsact",
            )
        )
    return findings


def read_egress(rtnl: Rtnetlink, ifindex: int) -> Egress:
    """Read what is attached to the egress of a NIC. Raises OSError."""
    kinds = {one.kind for one in list_qdiscs(rtnl, ifindex)}
    found = clsact.filters(rtnl, ifindex, Direction.EGRESS) if "clsact" in kinds else []
    return Egress(
        tuple(tcx_programs(ifindex, Direction.EGRESS)),
        tuple(one.prog_id for one in found),
        "ingress" in kinds,
    )


def own_programs(pins: NetnsPins) -> dict[int, str]:
    """Return the programs of the pairs of this network namespace: their ids and names.

    While programs are being replaced, both the old and the new ones are included.
    """
    try:
        found = {
            number: name
            for ifindex in attached_ifindexes(pins)
            for name, number in pair_programs.program_ids(pins, ifindex).items()
        }
        for folder, _ in upgrades(pins):
            for pin in pin_files.walk(folder):
                number = links.pinned_program_id(pin) if pin.parent.name == "programs" else None
                if number is not None:
                    found[number] = pin.name
    except (UntrustedFolder, MissingCapability):
        return {}  # the bpffs check reports it
    return found
