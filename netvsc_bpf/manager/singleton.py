# SPDX-License-Identifier: GPL-2.0-only
"""One manager for each network namespace.

The claim is a socket with an abstract name: such names belong to the network namespace, and the kernel frees
them with the process, however it ends.
"""

import errno
import os
import socket
import struct

from netvsc_bpf.model.errors import Busy

_NAME = "\0netvsc-bpf-manager"


def claim() -> socket.socket:
    """Return the claim, held until it is closed. Raises Busy where another manager runs here."""
    claimed = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        claimed.bind(_NAME)
        claimed.listen(1)
    except OSError as error:
        claimed.close()
        if error.errno != errno.EADDRINUSE:
            raise
        pid = _holder()
        who = "another manager" if pid is None else f"process {pid}"
        raise Busy(
            "cannot manage this network namespace", f"{who} does already", "stop it first", pid=pid
        ) from None
    return claimed


def _holder() -> int | None:
    """Ask the kernel who listens on the name."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(_NAME)
        except OSError:
            return None
        pid, _, _ = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(pid) if pid != os.getpid() else None
