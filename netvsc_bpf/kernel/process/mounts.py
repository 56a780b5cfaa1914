# SPDX-License-Identifier: GPL-2.0-only
"""Determines the mount that a path is on from /proc/<pid>/mountinfo."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath

from netvsc_bpf.model import names


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo (proc_pid_mountinfo(5))."""

    id: int
    parent: int
    root: str
    """The part of the file system that is mounted; for nsfs the namespace, like `net:[4026531840]`."""
    point: PurePath
    options: frozenset[str]
    type: str
    source: str


@lru_cache(maxsize=1)  # it is read for every session, and rarely changes
def parse_mountinfo(text: bytes) -> tuple[Mount, ...]:
    """Return the mounts of a mount namespace, in the kernel's order."""
    mounts = []
    for line in filter(None, text.split(b"\n")):
        before, _, after = names.decode(line).partition(" - ")
        head, tail = before.split(" "), after.split(" ")
        mounts.append(
            Mount(
                id=int(head[0]),
                parent=int(head[1]),
                root=_unescape(head[3]),
                point=PurePath(_unescape(head[4])),
                options=frozenset(head[5].split(",")),
                type=tail[0],
                source=_unescape(tail[1]),
            )
        )
    return tuple(mounts)


def mount_of(path: PurePath, mounts: Sequence[Mount]) -> Mount | None:
    """Return the mount that ``path`` (absolute, no symlinks) is on, walking as the kernel does from the root.

    The longest mount point alone would not do: a later mount on /sys hides an earlier one on /sys/fs/bpf.
    """
    ids = {mount.id for mount in mounts}
    # The parent of the first mount is not listed, or is itself (rootfs).
    first = {mount.point: mount for mount in mounts if mount.parent not in ids or mount.parent == mount.id}
    steps = {(mount.parent, mount.point): mount for mount in mounts if mount.parent != mount.id}
    current: Mount | None = None
    for place in (*reversed(path.parents), path):
        step = first.get(place) if current is None else steps.get((current.id, place))
        while step is not None:
            current = step
            step = steps.get((current.id, place))
    return current


def read_mounts(mountinfo: Path) -> tuple[Mount, ...]:
    """Return the mounts that a mountinfo file lists."""
    return parse_mountinfo(mountinfo.read_bytes())


def _unescape(field: str) -> str:
    # mangle() in fs/proc_namespace.c: space, tab, newline and backslash as octal.
    for code, character in (("040", " "), ("011", "\t"), ("012", "\n"), ("134", "\\")):
        field = field.replace(f"\\{code}", character)
    return field
