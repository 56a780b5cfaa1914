# SPDX-License-Identifier: GPL-2.0-only
"""Is the kernel a supported one?"""

import re

from netvsc_bpf.doctor.finding import Finding, ok, problem, warning

CHECK = "kernel"
OLDEST = (5, 15)


def check_kernel_version(release: str) -> Finding:
    """Check ``release``, as uname(2) returns it: 6.1.0-13-amd64."""
    match = re.match(r"(\d+)\.(\d+)", release)
    if match is None:
        return warning(CHECK, f"kernel version {release!r} is not understood; 5.15 or later is needed")
    if (int(match[1]), int(match[2])) < OLDEST:
        return problem(CHECK, f"{release} is older than 5.15", "boot kernel 5.15 or later")
    return ok(CHECK, release)
