# SPDX-License-Identifier: GPL-2.0-only
"""The manager of this thread's network namespace, as `drain` and `undrain` need it."""

import time
from contextlib import suppress

from netvsc_bpf.datapath import ManagerClient
from netvsc_bpf.manager.events.claim import is_claimed
from netvsc_bpf.manager.events.client import Conversation, ask
from netvsc_bpf.manager.events.protocol import CONTROL, Control, Request
from netvsc_bpf.model.errors import NetvscBpfError

_PATIENCE_S = 5.0
"""A turn takes milliseconds. One whose driver hangs is not waited for."""


class RunningManager(ManagerClient):
    """Whoever manages this network namespace when it is asked; there may be nobody."""

    def is_running(self) -> bool:
        """See ManagerClient."""
        return is_claimed()

    def reconciles(self) -> bool:
        """See ManagerClient. One that hangs, or is of an earlier version, does not."""
        with suppress(NetvscBpfError):
            manager = ask(Request.LOOK)
            if manager is not None:
                with manager:
                    return _answers(manager)
        return False


def _answers(manager: Conversation) -> bool:
    deadline = time.monotonic() + _PATIENCE_S
    while (left := deadline - time.monotonic()) > 0:
        lines = manager.lines(left)
        if lines is None:
            return False
        for line in lines:
            return line.get(CONTROL) == Control.READY
    return False
