# SPDX-License-Identifier: GPL-2.0-only
"""Waiting for what must come, however slow the machine: the limit is that of a hang, not of a speed."""

import os
import time
from collections.abc import Callable

_PATIENCE_S = 180 if "NETVSC_BPF_GUEST_KERNEL" in os.environ else 60
"""In a cold guest under emulation, starting Python alone has taken a minute."""

_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.5


def eventually(what: str, holds: Callable[[], bool]) -> None:
    """Poll until ``holds()``; fail the test, naming ``what`` never came.

    A look may start programs, which costs an emulated processor half a second of its time. The pause after it
    is twice as long, so that polling does not take the processor from what is waited for.
    """
    deadline = time.monotonic() + _PATIENCE_S
    used = _processor_time_s()
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        before, used = used, _processor_time_s()
        time.sleep(min(max(_PAUSE_S, 2 * (used - before)), _LONGEST_PAUSE_S))


def _processor_time_s() -> float:
    """Return what this process and the children that it waited for have used."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
