# SPDX-License-Identifier: GPL-2.0-only
"""Checks that a bpffs is mounted, and if not, whether it is missing or hidden.

`ip netns exec NAME` unshares the mount namespace, detaches /sys with everything mounted below it, including
bpffs, and mounts a new sysfs whose source is NAME (netns_switch() in iproute2's lib/namespace.c). A bpffs
mounted there would be another, empty one that disappears with the process, and its pins with it.
"""

from pathlib import Path

from netvsc_bpf.kernel.bpf.pin_layout import BPFFS
from netvsc_bpf.kernel.process.mounts import mount_of, read_mounts
from netvsc_bpf.model.errors import BpffsUnavailable

MOUNTINFO = Path("/proc/self/mountinfo")
NAMED_NETNS = Path("/run/netns")


def require_bpffs(root: Path = BPFFS, mountinfo: Path = MOUNTINFO, named_netns: Path = NAMED_NETNS) -> None:
    """Raise BpffsUnavailable, with a suitable remedy, unless a writable bpffs is mounted on ``root``."""
    mounts = read_mounts(mountinfo)
    mount = mount_of(root, mounts)
    if mount is not None and mount.type == "bpf" and mount.point == root:
        if "ro" in mount.options:
            raise BpffsUnavailable(str(root), "it is mounted read-only", f"run `mount -o remount,rw {root}`")
        return
    if mount is not None and mount.type == "sysfs" and (named_netns / mount.source).exists():
        raise BpffsUnavailable(
            str(root),
            f"`ip netns exec {mount.source}` hides it",
            f"run it from outside with --netns {mount.source}",
        )
    raise BpffsUnavailable(str(root), "no bpffs is mounted there", f"run `mount -t bpf bpf {root}`")
