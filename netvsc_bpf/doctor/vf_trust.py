# SPDX-License-Identifier: GPL-2.0-only
"""Must the host allow the VF to send and receive by other MACs than its own?

The embedded switch of a NIC drops what a VF sends from another MAC (spoofchk), and refuses a VF promiscuous
mode and further MACs (trust), unless the host permits it. The guest cannot read these settings of the PF. It
can see whether it needs them: a bridge, or macvlans, above the synthetic NIC. On Hyper-V the settings are
those of the synthetic NIC (MacAddressSpoofing), so a VF is no special case there.
"""

from collections.abc import Collection, Iterable

from netvsc_bpf.doctor.finding import Finding, warning
from netvsc_bpf.doctor.hyperv import is_netvsc
from netvsc_bpf.model.nic import Nic, Pair

CHECK = "vf-trust"
_SWITCHES = frozenset({"bridge", "openvswitch"})


def check_trust(pair: Pair, nics: Iterable[Nic], secondary: Collection[bytes]) -> Finding | None:
    """Warn if a PCI VF carries frames of other stations. Pure.

    `secondary` are the unicast addresses that the synthetic NIC receives beside its own, as those of macvlans
    in any network namespace.
    """
    synthetic, vf = pair.synthetic, pair.vf
    if vf is None or vf.bus != "pci" or is_netvsc(synthetic):
        return None
    switch = next((one for one in nics if one.ifindex == synthetic.master and one.kind in _SWITCHES), None)
    above = [] if switch is None else [f"the {switch.kind} {switch.name}"]
    if count := len(secondary):
        above.append(f"{count} more MAC{'s' * (count != 1)}, as of macvlans,")
    if not above:
        return None
    return warning(
        CHECK,
        f"{' and '.join(above)} on {synthetic.name}: the host must allow {vf.name} frames of MACs that "
        "are not its own; whether it does cannot be seen from here",
        "on the host: `ip link set dev PF vf N spoofchk off trust on`",
    )
