# SPDX-License-Identifier: GPL-2.0-only
"""Does every synthetic NIC have a VF that is not used otherwise? Pure."""

from collections.abc import Iterable, Mapping, Sequence

from netvsc_bpf.discovery.pairing import Cause, KnownPair, KnownPairs, Pairing, find_pair, find_synthetics
from netvsc_bpf.doctor.finding import Finding, from_error, ok, warning
from netvsc_bpf.model.errors import Refused
from netvsc_bpf.model.names import quoted
from netvsc_bpf.model.nic import Nic, Pair

CHECK = "pair"
_ALARMING = frozenset({Cause.SECOND_VF, Cause.IN_USE, Cause.MAC_DIFFERS})


def examine_pairs(
    nics: Sequence[Nic], attached: Mapping[int, int | None]
) -> tuple[list[Pair], list[Finding]]:
    """Return the pairs of this network namespace, and the findings about each.

    ``attached`` are the ifindexes of the attached pairs: synthetic NIC to VF, if it has one. They are checked
    in addition to those that `attach --all` would attach.
    """
    pairs: list[Pair] = []
    findings: list[Finding] = []
    known = KnownPairs(KnownPair(synthetic, vf=vf) for synthetic, vf in attached.items())
    for synthetic in _synthetics(nics, attached):
        try:
            vf = attached.get(synthetic.ifindex)
            pairing = find_pair(nics, synthetic.name, current_vf=vf, known=known)
        except Refused as error:
            findings.append(from_error(CHECK, error))
            continue
        pairs.append(pairing.pair)
        findings += _findings(pairing)
    if not findings:
        findings.append(
            ok(CHECK, "no synthetic NIC that `attach --all` would attach; `attach IFACE` accepts any NIC")
        )
    return pairs, findings


def check_mtu(pair: Pair) -> Finding | None:
    """Warn if the MTUs differ: packets that one accepts the other drops (row 31 of the scenarios)."""
    synthetic, vf = pair.synthetic, pair.vf
    if vf is None or vf.mtu == synthetic.mtu:
        return None
    return warning(
        "vf-mtu",
        f"the MTUs differ: {vf.name} has {vf.mtu} bytes, {synthetic.name} has {synthetic.mtu}",
        f"`ip link set dev {quoted(vf.name)} mtu {synthetic.mtu}`",
    )


def _synthetics(nics: Sequence[Nic], attached: Iterable[int]) -> list[Nic]:
    found = {nic.ifindex: nic for nic in find_synthetics(nics)}
    wanted = set(attached)
    found.update({nic.ifindex: nic for nic in nics if nic.ifindex in wanted})
    return [found[ifindex] for ifindex in sorted(found)]


def _findings(pairing: Pairing) -> list[Finding]:
    synthetic, vf = pairing.pair.synthetic, pairing.pair.vf
    half = "no VF now" if vf is None else f"VF {vf.name} ({vf.driver})"
    findings = [ok(CHECK, f"{synthetic.name} ({synthetic.driver}): {half}")]
    findings += [
        warning(CHECK, f"{refusal.nic.name} is not used with {synthetic.name}: {refusal.reason}")
        for refusal in pairing.refusals
        if refusal.cause in _ALARMING
    ]
    return findings
