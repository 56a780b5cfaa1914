# SPDX-License-Identifier: GPL-2.0-only
"""sd_notify(3): notifying systemd that the manager is ready, alive, or stopping. A no-op without systemd."""

import os
import socket
from contextlib import suppress

_PATIENCE_S = 1.0


def notify(state: str) -> None:
    """Send one state, such as READY=1 or WATCHDOG=1, to the socket that NOTIFY_SOCKET names.

    Errors are ignored: the manager must not end because of them.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel, suppress(OSError):
        channel.settimeout(_PATIENCE_S)
        channel.connect("\0" + address[1:] if address.startswith("@") else address)
        channel.send(state.encode())


def watchdog_interval_s() -> float | None:
    """Return the interval of watchdog notifications (half of WATCHDOG_USEC), None without a watchdog."""
    limit = os.environ.get("WATCHDOG_USEC")
    if limit is None or os.environ.get("WATCHDOG_PID") not in (None, str(os.getpid())):
        return None
    return int(limit) / 2e6
