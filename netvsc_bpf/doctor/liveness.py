# SPDX-License-Identifier: GPL-2.0-only
"""How will the death of a VF be seen, and why not better?"""

from collections.abc import Callable

from netvsc_bpf.doctor.finding import Finding, ok, problem
from netvsc_bpf.kernel.hooks.feature_probes import why_no_fentry, why_no_live_read
from netvsc_bpf.model.path import Liveness

CHECK = "liveness"


def check_liveness(
    no_fentry: Callable[[], str | None] = why_no_fentry,
    no_live_read: Callable[[], str | None] = why_no_live_read,
) -> Finding:
    """Try the rungs of the ladder, best first, and say what keeps this machine from the better ones."""
    fentry = no_fentry()
    if fentry is None:
        return ok(CHECK, Liveness.FENTRY.value)
    live = no_live_read()
    if live is None:
        return ok(
            CHECK, f"{Liveness.LIVE.value} (a read of the VF's state with each packet); no fentry: {fentry}"
        )
    return problem(
        CHECK,
        f"only {Liveness.NETLINK.value}, on which nothing but a running manager leaves a failing VF: {live}",
        "attach with --liveness netlink and keep `netvsc-bpf run` alive",
    )
