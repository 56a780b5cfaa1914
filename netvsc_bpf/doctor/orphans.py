# SPDX-License-Identifier: GPL-2.0-only
"""Are there pins of network namespaces that are gone?"""

from netvsc_bpf.doctor.finding import Finding, warning
from netvsc_bpf.kernel.bpf.orphaned_pins import orphans
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.model.errors import NetvscBpfError

CHECK = "orphans"


def check_orphans(own: NetnsPins) -> Finding | None:
    """Look for them; None where there are none, or where the folder is not ours to look into."""
    try:
        gone = orphans(own)
    except (OSError, NetvscBpfError):
        return None  # the check of bpffs says why
    if not gone:
        return None
    inodes = ", ".join(str(one.inode) for one in gone)
    what = f"{own.root} holds pins of network namespaces that are gone: {inodes}"
    return warning(CHECK, what, "netvsc-bpf detach --all, in any network namespace")
