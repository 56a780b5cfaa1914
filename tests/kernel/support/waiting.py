# SPDX-License-Identifier: GPL-2.0-only
"""Waiting for what must come, however slow the machine: the limit is that of a hang, not of a speed."""

import os
import time
from collections.abc import Callable

_PATIENCE_S = 180 if "NETVSC_BPF_GUEST_KERNEL" in os.environ else 60
"""In a cold guest under emulation, starting Python alone has taken a minute."""


def eventually(what: str, holds: Callable[[], bool]) -> None:
    """Poll until ``holds()``; fail the test, naming ``what`` never came."""
    deadline = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)
