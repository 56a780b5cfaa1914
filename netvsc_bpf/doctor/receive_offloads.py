# SPDX-License-Identifier: GPL-2.0-only
"""Does the VF merge received packets as the synthetic NIC requires (planner/receive_offloads.py)?"""

from netvsc_bpf.datapath import follow_offloads
from netvsc_bpf.datapath.follow_offloads import Difference
from netvsc_bpf.datapath.sync_vlans import Half
from netvsc_bpf.doctor.finding import Finding, warning
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.model.names import as_argument
from netvsc_bpf.model.nic import Pair

CHECK = "vf-offloads"


def read_difference(rtnl: Rtnetlink, pair: Pair) -> Difference:
    """Compare the VF of a pair with its synthetic NIC. Raises OSError."""
    assert pair.vf is not None
    synthetic, vf = (Half(one.ifindex, one.name) for one in (pair.synthetic, pair.vf))
    return follow_offloads.difference(rtnl, synthetic, vf, 0)


def check_offloads(pair: Pair, difference: Difference, *, attached: bool) -> list[Finding]:
    """Warn of what the VF cannot be given, and of an attached VF that was not given something. Pure."""
    if pair.vf is None:
        return []
    name, vf = pair.synthetic.name, pair.vf.name
    findings = []
    if attached and difference.requests:
        findings.append(
            warning(
                CHECK,
                f"{vf} does not have {follow_offloads.words(difference.requests)}, as {name} requires",
                f"run the manager, or `netvsc-bpf attach {as_argument(name)}` again",
            )
        )
    unmet = follow_offloads.warning(name, vf, difference.unmet)
    if unmet is not None:
        findings.append(warning(CHECK, unmet, f"`ethtool -k {name}` and `ethtool -k {vf}` show both"))
    return findings
