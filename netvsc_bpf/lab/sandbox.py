# SPDX-License-Identifier: GPL-2.0-only
"""A private mount namespace, so that nothing of a lab outlives or escapes its processes.

Network namespaces and bpf pins live as long as a mount refers to them. A sandbox's mounts are visible only to
this process and its children: when the last of them ends, however it ends, the kernel removes the mounts, and
with them the names, the namespaces, the pins and the links.
"""

import errno
from pathlib import Path

from netvsc_bpf.lab.syscalls import Clone, Mount, mount, unshare
from netvsc_bpf.model.errors import (
    BpffsUnavailable,
    CannotHere,
    MissingCapability,
    NetvscBpfError,
    NotSupported,
)

BPFFS = Path("/sys/fs/bpf")
NETNS = Path("/run/netns")
# The source of a mount is free text for file systems without a device; it marks the mounts of a sandbox.
_MARK = "netvsc-bpf-lab"


def enter_sandbox() -> None:
    """Move this process into a mount namespace with an empty bpffs and an empty /run/netns. Idempotent.

    Call it before any thread is started: unshare(2) moves only the calling thread, and other threads would
    not see its mounts.

    Raises:
        MissingCapability: the process may not make mount namespaces (CAP_SYS_ADMIN).
        BpffsUnavailable: the kernel has no bpffs, or /sys/fs/bpf does not exist.
        NotSupported: the kernel refuses for another reason.
        NetvscBpfError: the process has threads already.
    """
    if in_sandbox():
        return
    if _thread_count() > 1:
        raise NetvscBpfError(
            "enter the sandbox",
            "this process has threads already",
            "call enter_sandbox() before starting any",
        )
    try:
        unshare(Clone.NEWNS)
        # Without this, mounts would propagate to the original namespace: systemd makes / shared.
        mount("none", "/", None, Mount.REC | Mount.PRIVATE)
        NETNS.mkdir(parents=True, exist_ok=True)
        mount(_MARK, str(NETNS), "tmpfs", Mount.NOSUID | Mount.NODEV | Mount.NOEXEC)
    except OSError as error:
        raise _why_not(error) from error
    try:
        mount(_MARK, str(BPFFS), "bpf", Mount.NOSUID | Mount.NODEV | Mount.NOEXEC)
    except OSError as error:
        raise BpffsUnavailable(f"mount bpffs on {BPFFS}", error.strerror or str(error)) from error


def in_sandbox() -> bool:
    """Return whether /run/netns and /sys/fs/bpf are those of a sandbox."""
    marked = set()
    for line in Path("/proc/thread-self/mountinfo").read_text().splitlines():
        # proc(5): id parent major:minor root mountpoint options optional... - type source super-options
        before, _, after = line.partition(" - ")
        if after.split()[1] == _MARK:
            marked.add(Path(before.split()[4]))
    return {BPFFS, NETNS} <= marked


def _thread_count() -> int:
    return sum(1 for _ in Path("/proc/self/task").iterdir())


def _why_not(error: OSError) -> CannotHere:
    if error.errno in (errno.EPERM, errno.EACCES):
        return MissingCapability("enter the sandbox", "mount namespaces need CAP_SYS_ADMIN", "run it as root")
    return NotSupported("enter the sandbox", error.strerror or str(error))
