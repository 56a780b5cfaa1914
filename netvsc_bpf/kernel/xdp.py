# SPDX-License-Identifier: GPL-2.0-only
"""XDP by pinned link.

Native where the driver has it, else generic; a program that is there is never replaced.
"""

import errno
import os
from pathlib import Path

from netvsc_bpf.kernel import libbpf, links
from netvsc_bpf.model.errors import ForeignXdp, KernelError

_SKB_MODE = 1 << 1  # XDP_FLAGS_*, include/uapi/linux/if_link.h
_DRV_MODE = 1 << 2
_NOT_NATIVE = {errno.EOPNOTSUPP, errno.EINVAL, errno.ERANGE, errno.ENOMEM}
"""What drivers answer that cannot run XDP here: no support, too large an MTU, no queues left."""


def attach(prog_fd: int, ifindex: int, name: str, pin: Path) -> bool:
    """Attach and pin.

    Return True where it runs in generic mode. Raises ForeignXdp where another program sits.
    """
    what = f"cannot attach guard to {name}"
    try:
        fd, generic = libbpf.link_create(prog_fd, ifindex, libbpf.XDP, _DRV_MODE), False
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise _foreign(what) from error
        if error.errno not in _NOT_NATIVE:
            raise KernelError(what, os.strerror(error.errno or 0), errno=error.errno) from error
        try:
            fd, generic = libbpf.link_create(prog_fd, ifindex, libbpf.XDP, _SKB_MODE), True
        except OSError as again:
            if again.errno in (errno.EBUSY, errno.EEXIST):
                raise _foreign(what) from again
            raise KernelError(what, os.strerror(again.errno or 0), errno=again.errno) from again
    links.pin(fd, pin)
    return generic


def _foreign(what: str) -> ForeignXdp:
    return ForeignXdp(what, "another XDP program is attached", "remove it, or attach with --guard off")
