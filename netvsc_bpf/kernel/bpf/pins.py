# SPDX-License-Identifier: GPL-2.0-only
"""Creates, lists and removes pins, only below netvsc-bpf's own folder."""

import errno
import os
from pathlib import Path

from netvsc_bpf.kernel.bpf import links, pin_files
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.model.errors import KernelError, NetvscBpfError


def make(fd: int, path: Path) -> None:
    """Pin the object of a descriptor. Raises KernelError."""
    try:
        pin_files.pin(fd, path)
    except OSError as error:
        remedy = "free memory, or raise the inode limit of bpffs" if error.errno == errno.ENOSPC else None
        raise KernelError(
            f"cannot pin {path}", os.strerror(error.errno or 0), remedy, errno=error.errno
        ) from error


def attached_ifindexes(pins: NetnsPins) -> list[int]:
    """Return the synthetic NICs (by ifindex) that have a folder of links in this network namespace."""
    try:
        names = pin_files.names(pins.home)
    except FileNotFoundError:
        return []
    return sorted(number for number in map(pins.pair_ifindex, names) if number is not None)


def in_use(pins: NetnsPins) -> bool:
    """Return whether the folder of this network namespace is needed, by a pair or by a moved NIC."""
    return bool(attached_ifindexes(pins)) or pin_files.exists(pins.moved_nics)


def remove_tree(pins: NetnsPins, folder: Path) -> None:
    """Remove a folder of pins, detaching links in it at once. Does nothing if there is none."""
    if pins.root not in folder.parents:
        raise NetvscBpfError(f"refusing to remove {folder}", f"it is not below {pins.root}")
    pin_files.remove_tree(folder, links.detach)


def move(path: Path, target: Path) -> None:
    """Rename a pin or a folder atomically, replacing a pin of that name (simple_rename())."""
    pin_files.rename(path, target)


def upgrades(pins: NetnsPins) -> list[tuple[Path, int]]:
    """Return unfinished replacements of programs, at most one: folder and build."""
    try:
        folders = pin_files.names(pins.home)
    except FileNotFoundError:
        return []
    builds = ((folder, pins.upgrading_build(folder)) for folder in folders)
    return [(pins.home / folder, build) for folder, build in builds if build is not None]


def remove_unfinished(pins: NetnsPins) -> None:
    """Remove the folders of loaders that were killed; the caller holds the lock, so no loader is running."""
    for folder in pin_files.names(pins.home):
        if pins.is_loading(folder):
            remove_tree(pins, pins.home / folder)
