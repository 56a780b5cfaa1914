# SPDX-License-Identifier: GPL-2.0-only
"""How far does the kernel lock itself down (kernel_lockdown(7))?"""

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
        return ok(CHECK, f"not known: {path} is missing (no lockdown, or securityfs is not mounted)")
    match = re.search(r"\[(\w+)\]", text)
    mode = match[1] if match else "none"
    if mode == "confidentiality":
        return warning(
            CHECK,
            "confidentiality forbids programs to read kernel memory: only a running manager sees a VF fail",
            "boot with lockdown=integrity, or keep `netvsc-bpf run` alive",
        )
    return ok(CHECK, mode)
