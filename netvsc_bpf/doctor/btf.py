# SPDX-License-Identifier: GPL-2.0-only
"""Does the kernel carry the type information from which offsets are taken?"""

from pathlib import Path

from netvsc_bpf.doctor.finding import Finding, ok, problem

CHECK = "btf"
VMLINUX = Path("/sys/kernel/btf/vmlinux")


def check_btf(vmlinux: Path = VMLINUX) -> Finding:
    """Look for the kernel's BTF; whether ours fits it is for the liveness check to try."""
    if vmlinux.exists():
        return ok(CHECK, f"{vmlinux} is there")
    return problem(
        CHECK,
        f"{vmlinux} is missing, so a VF's failure cannot be seen from the kernel",
        "boot a kernel with CONFIG_DEBUG_INFO_BTF=y, or attach with --liveness netlink and keep a manager",
    )
