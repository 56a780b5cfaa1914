# SPDX-License-Identifier: GPL-2.0-only
"""Pinned BPF links: attached while the pin stands, with no process alive."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from netvsc_bpf.kernel.bpf import libbpf, pin_files


@dataclass(frozen=True, slots=True)
class LinkState:
    """What the kernel says of a link. ifindex is 0 once its device is gone."""

    prog_id: int
    ifindex: int
    id: int = 0
    """The link's own number, which is never given again."""


def state(path: Path) -> LinkState | None:
    """Describe the tcx or XDP link pinned at `path`, None where there is none."""
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
    """Pin a new link and close its descriptor; where it cannot be pinned the link is gone again."""
    try:
        pin_files.pin(fd, path)
    finally:
        os.close(fd)


def replace(path: Path, old_prog_fd: int, prog_fd: int) -> None:
    """Put another program into the link pinned at `path`, atomically: not a packet sees neither or both.

    Nothing happens where there is no link, where it does not run the old program, or where its device is
    gone. Raises OSError where the kernel or the driver refuses the program.
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
        if error.errno != errno.ENOLINK:  # the device went meanwhile
            raise
    finally:
        os.close(fd)


def remove(path: Path) -> None:
    """Detach the link pinned at `path` and remove the pin; nothing happens where there is none.

    Without the pin it would go too, but an RCU grace period later (bpf_free_inode(), kernel/bpf/inode.c).
    """
    pin_files.remove_pin(path, detach)


def detach(fd: int) -> None:
    """Detach a link; nothing happens where it is none, or one that only goes with its pin."""
    try:
        libbpf.link_detach(fd)
    except OSError as error:
        # bpf_link_get_from_fd() and link_detach(), kernel/bpf/syscall.c
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise


def program_id(fd: int) -> int:
    """Return the kernel's number of a program."""
    return int(libbpf.info(fd, libbpf.ProgInfo).id)


def pinned_program_id(path: Path) -> int | None:
    """Return the kernel's number of the program pinned at `path`, None where there is none."""
    return _pinned_id(path, libbpf.ProgInfo)


def map_id(path: Path) -> int | None:
    """Return the kernel's number of the map pinned at `path`, None where there is none."""
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
