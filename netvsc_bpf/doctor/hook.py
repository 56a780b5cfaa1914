# SPDX-License-Identifier: GPL-2.0-only
"""Which tc hook will the programs be attached to?"""

from collections.abc import Callable

from netvsc_bpf.doctor.finding import Finding, ok, problem
from netvsc_bpf.kernel.hooks.feature_probes import why_no_tc, why_no_tcx
from netvsc_bpf.model.path import Hook

CHECK = "hook"


def check_hook(
    no_tc: Callable[[], str | None] = why_no_tc, no_tcx: Callable[[], str | None] = why_no_tcx
) -> Finding:
    """Try tcx with an empty program; clsact works on every kernel that loads tc programs."""
    refusal = no_tc()
    if refusal is not None:
        return problem(CHECK, refusal, "see the findings on capabilities and kernel")
    why = no_tcx()
    return ok(CHECK, Hook.TCX.value if why is None else f"{Hook.CLSACT.value}: {why}")
