# SPDX-License-Identifier: GPL-2.0-only
"""Is there a place to pin what shall outlive the process?"""

import os
from collections.abc import Callable
from pathlib import Path

from netvsc_bpf.doctor.finding import Finding, from_error, ok, problem
from netvsc_bpf.kernel.bpffs import require_bpffs
from netvsc_bpf.kernel.bpffs_layout import BPFFS
from netvsc_bpf.model.errors import NetvscBpfError

CHECK = "bpffs"


def check_bpffs(root: Path = BPFFS, require: Callable[[Path], None] = require_bpffs) -> Finding:
    """Look for a bpffs on ``root`` that this process may write to."""
    try:
        require(root)
    except NetvscBpfError as error:
        return from_error(CHECK, error)
    if not os.access(root, os.W_OK | os.X_OK):
        return problem(
            CHECK,
            f"{root} is mounted, but this process may not write there",
            f"run as root, grant CAP_DAC_OVERRIDE, or chown {root}",
        )
    return ok(CHECK, f"{root} is mounted and writable")
