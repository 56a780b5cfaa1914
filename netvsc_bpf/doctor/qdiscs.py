# SPDX-License-Identifier: GPL-2.0-only
"""Is traffic shaped on the synthetic NIC? Steered packets bypass its qdisc (scenario row 42)."""

from netvsc_bpf.doctor.finding import Finding, ok, warning
from netvsc_bpf.kernel.net.qdiscs import ROOT, Qdisc, list_qdiscs
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.model.nic import Pair

CHECK = "qdisc"
_SHAPING = frozenset(
    {
        "cake",
        "cbs",
        "codel",
        "drr",
        "etf",
        "ets",
        "hfsc",
        "htb",
        "mqprio",
        "netem",
        "prio",
        "qfq",
        "red",
        "sfq",
    }
    | {"taprio", "tbf"}
)
"""Qdiscs that are never a default: they limit, reorder or disturb traffic on purpose."""


def check_qdiscs(pair: Pair, synthetic: list[Qdisc], vf: list[Qdisc]) -> list[Finding]:
    """Warn of shaping that only the synthetic path has, and name the qdisc that queues steered packets."""
    if pair.vf is None:
        return []
    name, vf_name = pair.synthetic.name, pair.vf.name
    shaping = sorted({one.kind for one in synthetic if one.kind in _SHAPING})
    same = sorted({one.kind for one in vf if one.kind in _SHAPING})
    findings = []
    if shaping and shaping != same:
        findings.append(
            warning(
                CHECK,
                f"{name} shapes with {', '.join(shaping)}; packets steered to {vf_name} bypass it",
                f"configure the same on {vf_name}: `tc qdisc add dev {vf_name} root {shaping[0]} ...`",
            )
        )
    root = next((one.kind for one in vf if one.parent == ROOT), None)
    if root is not None:
        queued = f"queued in the {root} of {vf_name} only"
        how = queued if root != "noqueue" else f"not queued: {vf_name} has noqueue"
        findings.append(ok(CHECK, f"steered packets are {how}"))
    return findings


def read_qdiscs(rtnl: Rtnetlink, ifindex: int) -> list[Qdisc]:
    """Return the qdiscs of a device except clsact and ingress, which queue nothing. Raises OSError."""
    return [one for one in list_qdiscs(rtnl, ifindex) if one.kind not in ("clsact", "ingress")]
