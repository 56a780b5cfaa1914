# SPDX-License-Identifier: GPL-2.0-only
"""Is the kernel a supported one?"""

from netvsc_bpf.doctor.finding import Finding, ok, problem, warning
from netvsc_bpf.kernel.process.kernel_version import OLDEST_NAME, too_old

CHECK = "kernel"


def check_kernel_version(release: str) -> Finding:
    """Check ``release``, as uname(2) returns it: 6.1.0-13-amd64."""
    old = too_old(release)
    if old is None:
        what = f"kernel version {release!r} is not understood"
        return warning(CHECK, f"{what}; {OLDEST_NAME} or later is needed")
    if old:
        return problem(CHECK, f"{release} is older than {OLDEST_NAME}", f"boot kernel {OLDEST_NAME} or later")
    return ok(CHECK, release)
