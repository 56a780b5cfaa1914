# SPDX-License-Identifier: GPL-2.0-only
"""Does the kernel have BTF, from which the offsets of its structs are taken?"""

from pathlib import Path

from netvsc_bpf.doctor.finding import Finding, ok, problem

CHECK = "btf"
VMLINUX = Path("/sys/kernel/btf/vmlinux")


def check_btf(vmlinux: Path = VMLINUX) -> Finding:
    """Check for the kernel's BTF; the liveness check tries whether our programs match it."""
    if vmlinux.exists():
        return ok(CHECK, f"{vmlinux} is available")
    return problem(
        CHECK,
        f"{vmlinux} is missing, so the kernel cannot detect a failed VF",
        "boot a kernel with CONFIG_DEBUG_INFO_BTF=y, or attach with --liveness netlink and run a manager",
    )
