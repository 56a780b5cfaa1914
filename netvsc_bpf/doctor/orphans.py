# SPDX-License-Identifier: GPL-2.0-only
"""Are there pins of network namespaces that no longer exist?"""

from netvsc_bpf.doctor.finding import Finding, warning
from netvsc_bpf.kernel.bpf.orphaned_pins import orphans
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.model.errors import NetvscBpfError

CHECK = "orphans"


def check_orphans(own: NetnsPins) -> Finding | None:
    """Look for them; None if there are none, or if this process may not read the directory."""
    try:
        gone = orphans(own)
    except (OSError, NetvscBpfError):
        return None  # the bpffs check says why
    if not gone:
        return None
    inodes = ", ".join(str(one.inode) for one in gone)
    what = f"{own.root} has pins of network namespaces that no longer exist: {inodes}"
    return warning(CHECK, what, "`netvsc-bpf detach --all`, in any network namespace")
