# SPDX-License-Identifier: GPL-2.0-only
"""Is a bpffs mounted, so that programs and maps can be pinned?"""

import os
from collections.abc import Callable
from pathlib import Path

from netvsc_bpf.doctor.finding import Finding, from_error, ok, problem
from netvsc_bpf.kernel.bpf.bpffs import require_bpffs
from netvsc_bpf.kernel.bpf.pin_layout import BPFFS, ROOT_NAME
from netvsc_bpf.kernel.process.pin_root import require_access
from netvsc_bpf.model.errors import NetvscBpfError

CHECK = "bpffs"


def check_bpffs(root: Path = BPFFS, require: Callable[[Path], None] = require_bpffs) -> Finding:
    """Check for a bpffs on ``root`` that this process may write to."""
    try:
        require(root)
    except NetvscBpfError as error:
        return from_error(CHECK, error)
    ours = root / ROOT_NAME
    try:
        if require_access("cannot attach", ours):
            return ok(CHECK, f"{root} is mounted, {ours} is writable")
    except NetvscBpfError as error:
        if os.access(root, os.X_OK):
            return from_error(CHECK, error)
    if not os.access(root, os.W_OK | os.X_OK):
        return problem(
            CHECK,
            f"{root} is mounted, but this process may not write there",
            f"run as root, or as root create {ours}, chown it to this user and chmod 711 {root}",
        )
    return ok(CHECK, f"{root} is mounted and writable")
