# SPDX-License-Identifier: GPL-2.0-only
"""How will a failed VF be detected, and why not in a better way?"""

from collections.abc import Callable

from netvsc_bpf.doctor.finding import Finding, ok, problem
from netvsc_bpf.kernel.hooks.feature_probes import why_no_fentry, why_no_live_read
from netvsc_bpf.model.path import Liveness

CHECK = "liveness"


def check_liveness(
    no_fentry: Callable[[], str | None] = why_no_fentry,
    no_live_read: Callable[[], str | None] = why_no_live_read,
) -> Finding:
    """Try the liveness levels, best first, and say why the better ones are not available."""
    fentry = no_fentry()
    if fentry is None:
        return ok(CHECK, Liveness.FENTRY.value)
    live = no_live_read()
    if live is None:
        return ok(CHECK, f"{Liveness.LIVE.value} (reads the VF's state for each packet); no fentry: {fentry}")
    return problem(
        CHECK,
        f"only {Liveness.NETLINK.value}, where only a running manager detects a failed VF: {live}",
        "attach with --liveness netlink and keep `netvsc-bpf run` running",
    )
