# SPDX-License-Identifier: GPL-2.0-only
"""tcx: tc programs attached by BPF links (Linux 6.6), without touching foreign ones.

A new link goes behind the existing ones, so that foreign programs still see every packet (net/core: tcx
entries run in order, kernel/bpf/mprog.c appends without BPF_F_BEFORE). clsact filters run after all of tcx.
"""

import errno
import os
from enum import IntEnum
from pathlib import Path

from netvsc_bpf.kernel.bpf import libbpf, links


class Direction(IntEnum):
    """The hook on the device; the values are tcx's attach types."""

    INGRESS = libbpf.TCX_INGRESS
    EGRESS = libbpf.TCX_EGRESS


NO_SUCH_DEVICE = 0x7FFFFFFF


def supported(prog_fd: int) -> bool:
    """Return whether the kernel supports tcx, without attaching: only then does it look for the device.

    Raises OSError for any other failure.
    """
    try:
        os.close(libbpf.link_create(prog_fd, NO_SUCH_DEVICE, Direction.EGRESS))
    except OSError as error:
        if error.errno not in (errno.ENODEV, errno.EINVAL):
            raise
        return error.errno == errno.ENODEV
    return True


def attach(prog_fd: int, ifindex: int, direction: Direction, pin: Path) -> None:
    """Attach and pin. Raises OSError: ENODEV if the device is gone, EPERM without CAP_NET_ADMIN."""
    links.pin(libbpf.link_create(prog_fd, ifindex, direction), pin)
