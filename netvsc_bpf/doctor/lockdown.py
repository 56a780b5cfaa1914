# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's lockdown mode (kernel_lockdown(7))."""

import re
from pathlib import Path

from netvsc_bpf.doctor.finding import Finding, ok, warning

CHECK = "lockdown"
LOCKDOWN = Path("/sys/kernel/security/lockdown")


def check_lockdown(path: Path = LOCKDOWN) -> Finding:
    """Read the mode in brackets: ``none [integrity] confidentiality``."""
    try:
        text = path.read_text(encoding="ascii")
    except OSError:
        return ok(CHECK, f"unknown: {path} is missing (no lockdown, or securityfs is not mounted)")
    match = re.search(r"\[(\w+)\]", text)
    mode = match[1] if match else "none"
    if mode == "confidentiality":
        return warning(
            CHECK,
            "confidentiality: BPF programs cannot read kernel memory, so only a running manager detects a "
            "failed VF",
            "boot with lockdown=integrity, or keep `netvsc-bpf run` running",
        )
    return ok(CHECK, mode)
