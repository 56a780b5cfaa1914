# SPDX-License-Identifier: GPL-2.0-only
"""Is the kernel one that this was made and tried for?"""

import re

from netvsc_bpf.doctor.finding import Finding, ok, problem, warning

CHECK = "kernel"
OLDEST = (5, 15)


def check_kernel_version(release: str) -> Finding:
    """Judge ``release``, as uname(2) gives it: 6.1.0-13-amd64."""
    match = re.match(r"(\d+)\.(\d+)", release)
    if match is None:
        return warning(CHECK, f"the version in {release!r} cannot be read; 5.15 or later is needed")
    if (int(match[1]), int(match[2])) < OLDEST:
        return problem(CHECK, f"{release} is older than 5.15", "boot a kernel from 5.15 on")
    return ok(CHECK, release)
