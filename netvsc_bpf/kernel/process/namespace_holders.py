# SPDX-License-Identifier: GPL-2.0-only
"""Finds what keeps a network namespace alive besides this process: mounts of it, and processes in it.

`ip netns add` mounts a namespace below /run/netns, and so do container runtimes; `ip netns del` unmounts it.
A process or thread in the namespace also keeps it alive, including this one.
"""

import os
from pathlib import Path

from netvsc_bpf.kernel.process.capabilities import CAP_SYS_PTRACE, effective
from netvsc_bpf.kernel.process.mounts import read_mounts

_PROC = Path("/proc")
_OWN = Path("/proc/thread-self/ns/net")
_MOUNTINFO = Path("/proc/self/mountinfo")
_PPID = 1
"""Index of the parent's pid in /proc/<pid>/stat, counted after the name (proc_pid_stat(5))."""


def handles(inode: int) -> tuple[Path, ...]:
    """Return where the namespace is mounted in this mount namespace."""
    root = f"net:[{inode}]"
    return tuple(
        Path(mount.point) for mount in read_mounts(_MOUNTINFO) if mount.type == "nsfs" and mount.root == root
    )


def is_handle(path: Path, inode: int) -> bool:
    """Return whether the namespace is (still) mounted there."""
    try:
        found = path.stat()
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == (_OWN.stat().st_dev, inode)


def has_processes(inode: int) -> bool:
    """Return whether processes other than this one and its children are in the namespace.

    Returns True without CAP_SYS_PTRACE, which is needed to see the namespaces of other users' processes.
    """
    if CAP_SYS_PTRACE not in effective():
        return True
    processes = (folder for folder in _PROC.iterdir() if folder.name.isdecimal())
    return any(_is_in(folder, inode) and not _is_ours(folder) for folder in processes)


def _is_in(process: Path, inode: int) -> bool:
    try:
        return (process / "ns" / "net").stat().st_ino == inode
    except OSError:  # it has ended, or a security module hides it
        return False


def _is_ours(process: Path) -> bool:
    own = os.getpid()
    if int(process.name) == own:
        return True
    try:
        fields = (process / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return True  # it has ended
    return int(fields[_PPID]) == own
