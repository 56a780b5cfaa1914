# SPDX-License-Identifier: GPL-2.0-only
"""Attaches XDP programs by pinned links.

Native if the driver supports it, else generic; an existing program is never replaced.
"""

import errno
import os
from pathlib import Path

from netvsc_bpf.kernel.bpf import libbpf, links
from netvsc_bpf.model.errors import ForeignXdp, KernelError

_SKB_MODE = 1 << 1  # XDP_FLAGS_*, include/uapi/linux/if_link.h
_DRV_MODE = 1 << 2
_NOT_NATIVE = {errno.EOPNOTSUPP, errno.EINVAL, errno.ERANGE, errno.ENOMEM}
"""Errnos of drivers that cannot run XDP natively: no support, MTU too large, no queues left."""


def attach(prog_fd: int, ifindex: int, name: str, pin: Path) -> None:
    """Attach and pin. Raises ForeignXdp if another program is attached, KernelError."""
    try:
        links.pin(_create(prog_fd, ifindex), pin)
    except OSError as error:
        # EEXIST: a program is attached in the other mode.
        if error.errno in (errno.EBUSY, errno.EEXIST):
            raise taken(name) from error
        raise KernelError(_what(name), os.strerror(error.errno or 0), errno=error.errno) from error


def taken(name: str) -> ForeignXdp:
    """Return the error for an interface that runs another XDP program."""
    remedy = "remove it, or attach with --guard off"
    return ForeignXdp(_what(name), "another XDP program is attached", remedy)


def _what(name: str) -> str:
    return f"cannot attach guard to {name}"


def _create(prog_fd: int, ifindex: int) -> int:
    try:
        return libbpf.link_create(prog_fd, ifindex, libbpf.XDP, _DRV_MODE)
    except OSError as error:
        if error.errno not in _NOT_NATIVE:
            raise
        return libbpf.link_create(prog_fd, ifindex, libbpf.XDP, _SKB_MODE)
