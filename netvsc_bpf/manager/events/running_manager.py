# SPDX-License-Identifier: GPL-2.0-only
"""The manager of this thread's network namespace, as `drain` and `undrain` need it."""

from netvsc_bpf.datapath import ManagerClient
from netvsc_bpf.manager.events.claim import is_claimed
from netvsc_bpf.manager.events.client import answers
from netvsc_bpf.manager.events.protocol import CONTROL, Control, Request

_PATIENCE_S = 5.0
"""A turn takes milliseconds. One whose driver hangs is not waited for."""


class RunningManager(ManagerClient):
    """Whoever manages this network namespace when it is asked; there may be nobody."""

    def is_running(self) -> bool:
        """See ManagerClient."""
        return is_claimed()

    def reconcile(self) -> bool:
        """See ManagerClient. One that hangs, or is of an earlier version, does not."""
        first = next(answers(Request.LOOK, _PATIENCE_S), None)
        return first is not None and first.get(CONTROL) == Control.READY
