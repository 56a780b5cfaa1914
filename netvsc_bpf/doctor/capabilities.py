# SPDX-License-Identifier: GPL-2.0-only
"""Does this process have the capabilities that attach needs?"""

from netvsc_bpf.doctor.finding import Finding, ok, problem, warning
from netvsc_bpf.kernel.process.capabilities import (
    CAP_BPF,
    CAP_NET_ADMIN,
    CAP_NET_RAW,
    CAP_PERFMON,
    Capability,
    effective,
    in_initial_user_namespace,
    missing,
)

CHECK = "capabilities"
_USES = {
    CAP_BPF: "load and open programs and maps",
    CAP_NET_ADMIN: "attach them, set up the VF",
    CAP_PERFMON: "detect a failed VF in the kernel",
}


def check_capabilities(held: frozenset[int] | None = None, initial: bool | None = None) -> Finding:
    """Check the effective capabilities; ``initial``: they are those of the initial user namespace."""
    lacking = missing(_USES, effective() if held is None else held)
    if lacking:
        uses = ", ".join(f"{one.name} ({_USES[one]})" for one in lacking)
        return problem(CHECK, f"missing: {uses}", f"run as root, or with {_names(*_USES)}")
    if not (in_initial_user_namespace() if initial is None else initial):
        return problem(
            CHECK,
            "they belong to a user namespace, but bpf(2) requires them in the initial one",
            "run outside the rootless container",
        )
    return ok(CHECK, f"{_names(*_USES)} are available")


def check_raw_capability(held: frozenset[int] | None = None) -> Finding | None:
    """Check CAP_NET_RAW, which announcements to switches and captures need, but attach does not."""
    if CAP_NET_RAW in (effective() if held is None else held):
        return None
    return warning(
        CHECK,
        "missing: CAP_NET_RAW, so path changes are not announced to switches and `capture` does not work",
        "grant it, or run with --no-announce",
    )


def _names(*capabilities: Capability) -> str:
    return ", ".join(one.name for one in capabilities)
