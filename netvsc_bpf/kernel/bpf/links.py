# SPDX-License-Identifier: GPL-2.0-only
"""Pinned BPF links, which stay attached without a process as long as the pin exists."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from netvsc_bpf.kernel.bpf import libbpf, pin_files


@dataclass(frozen=True, slots=True)
class LinkState:
    """The kernel's information about a link. ifindex is 0 once its device is gone."""

    prog_id: int
    ifindex: int
    id: int = 0
    """The link's id, which is never reused."""


def state(path: Path) -> LinkState | None:
    """Describe the tcx or XDP link pinned at `path`, None if there is none."""
    try:
        fd = pin_files.get(path)
    except FileNotFoundError:
        return None
    try:
        info = libbpf.info(fd, libbpf.LinkInfo)
    finally:
        os.close(fd)
    return LinkState(info.prog_id, info.ifindex, info.id)


def pin(fd: int, path: Path) -> None:
    """Pin a new link and close its descriptor; if pinning fails the link is detached."""
    try:
        pin_files.pin(fd, path)
    finally:
        os.close(fd)


def replace(path: Path, old_prog_fd: int, prog_fd: int) -> None:
    """Replace the program of the link pinned at `path` atomically: every packet sees exactly one of them.

    Does nothing if there is no link, if it does not run the old program, or if its device is gone. Raises
    OSError if the kernel or the driver refuses the program.
    """
    try:
        fd = pin_files.get(path)
    except FileNotFoundError:
        return
    try:
        info = libbpf.info(fd, libbpf.LinkInfo)
        if info.ifindex and info.prog_id == program_id(old_prog_fd):
            libbpf.link_update(fd, prog_fd, old_prog_fd)
    except OSError as error:
        if error.errno != errno.ENOLINK:  # the device is gone meanwhile
            raise
    finally:
        os.close(fd)


def remove(path: Path) -> None:
    """Detach the link pinned at `path` and remove the pin; does nothing if there is none.

    Removing only the pin would detach it an RCU grace period later (bpf_free_inode(), kernel/bpf/inode.c).
    """
    pin_files.remove_pin(path, detach)


def detach(fd: int) -> None:
    """Detach a link; does nothing if the object is not a link, or one that only its pin keeps attached."""
    try:
        libbpf.link_detach(fd)
    except OSError as error:
        # bpf_link_get_from_fd() and link_detach(), kernel/bpf/syscall.c
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise


def program_id(fd: int) -> int:
    """Return the id of a program."""
    return int(libbpf.info(fd, libbpf.ProgInfo).id)


def pinned_program_id(path: Path) -> int | None:
    """Return the id of the program pinned at `path`, None if there is none."""
    return _pinned_id(path, libbpf.ProgInfo)


def map_id(path: Path) -> int | None:
    """Return the id of the map pinned at `path`, None if there is none."""
    return _pinned_id(path, libbpf.MapInfo)


def _pinned_id(path: Path, kind: type[libbpf.ProgInfo] | type[libbpf.MapInfo]) -> int | None:
    try:
        fd = pin_files.get(path)
    except FileNotFoundError:
        return None
    try:
        return int(libbpf.info(fd, kind).id)
    finally:
        os.close(fd)
