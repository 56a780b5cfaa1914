# SPDX-License-Identifier: GPL-2.0-only
"""Where does guard run on the synthetic NIC, and do frames of any size pass there?"""

from collections.abc import Container

from netvsc_bpf.discovery.xdp_mode import attached_mode, guard_modes, is_kept_by_driver
from netvsc_bpf.doctor.finding import Finding, ok, warning
from netvsc_bpf.model.names import as_argument
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import XdpMode

CHECK = "guard"


def runs_guard(synthetic: Nic, ours: Container[int]) -> bool:
    """Return whether the NIC's XDP program is guard."""
    return synthetic.xdp_prog_id is not None and synthetic.xdp_prog_id in ours


def check_guard(synthetic: Nic, *, fragments: bool) -> Finding:
    """Check a NIC that runs guard; `fragments`: its driver passes frames of several buffers to XDP."""
    name, driver = synthetic.name, synthetic.driver
    mode = attached_mode(synthetic)
    if mode not in guard_modes(synthetic, fragments=fragments):
        again = f"run `netvsc-bpf attach {as_argument(name)}` again"
        if is_kept_by_driver(synthetic, fragments=fragments):
            what = f"guard runs in {driver}, which drops large frames and does not release it at this MTU"
            return warning(CHECK, what, f"lower the MTU of {name} to 1500, {again}, and raise it")
        if mode is XdpMode.NATIVE:
            what = f"guard runs in {driver}, which drops large frames for it once the MTU of {name} is raised"
            return warning(CHECK, what, again)
        what = f"guard of {name} runs in generic mode, where it takes frames of the VF for copies"
        return warning(CHECK, what, f"{again}, or attach with --guard off")
    if mode is XdpMode.NATIVE:
        return ok(CHECK, f"guard of {name} runs natively, in {driver}")
    why = "refused it when it was attached" if fragments else "passes no large frames to XDP programs"
    return ok(CHECK, f"guard of {name} runs in generic mode, without GRO on {name}, because {driver} {why}")
