# SPDX-License-Identifier: GPL-2.0-only
"""Attaches XDP programs by pinned links; an existing program is never replaced."""

import errno
import os
from pathlib import Path

from netvsc_bpf.kernel.bpf import libbpf, links
from netvsc_bpf.model.errors import ForeignXdp, KernelError, XdpRefused
from netvsc_bpf.model.path import XdpMode

_FLAGS = {XdpMode.GENERIC: 1 << 1, XdpMode.NATIVE: 1 << 2}
"""XDP_FLAGS_SKB_MODE and XDP_FLAGS_DRV_MODE, include/uapi/linux/if_link.h."""
_REFUSALS = {errno.EOPNOTSUPP, errno.EINVAL, errno.ERANGE, errno.ENOMEM, errno.ENOSPC}
"""Errnos of drivers that cannot run XDP natively: no support, MTU too large, no queues left."""


def attach(prog_fd: int, ifindex: int, name: str, pin: Path, mode: XdpMode) -> None:
    """Attach and pin. Raises ForeignXdp if another program is attached, XdpRefused, KernelError."""
    try:
        links.pin(libbpf.link_create(prog_fd, ifindex, libbpf.XDP, _FLAGS[mode]), pin)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        # EEXIST: a program is attached in the other mode.
        if error.errno in (errno.EBUSY, errno.EEXIST):
            raise taken(name) from error
        if mode is XdpMode.NATIVE and error.errno in _REFUSALS:
            raise XdpRefused(
                _what(name),
                f"its driver does not run XDP with its present MTU and features ({why})",
                "reduce the MTU and turn LRO off, or attach with --guard off",
                errno=error.errno,
            ) from error
        raise KernelError(_what(name), why, errno=error.errno) from error


def taken(name: str) -> ForeignXdp:
    """Return the error for an interface that runs another XDP program."""
    remedy = "remove it, or attach with --guard off"
    return ForeignXdp(_what(name), "another XDP program is attached", remedy)


def _what(name: str) -> str:
    return f"cannot attach guard to {name}"
