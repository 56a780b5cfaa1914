# SPDX-License-Identifier: GPL-2.0-only
"""The manager of this thread's network namespace, as used by `drain`, `undrain` and `undamp`."""

from netvsc_bpf.datapath import ManagerClient
from netvsc_bpf.manager.events.claim import is_claimed
from netvsc_bpf.manager.events.client import answers
from netvsc_bpf.manager.events.protocol import CONTROL, Control, Request

_PATIENCE_S = 5.0
"""A reconciliation takes milliseconds. One whose driver does not return is not waited for."""


class RunningManager(ManagerClient):
    """The manager of this network namespace at the time of each call, if there is one."""

    def is_running(self) -> bool:
        """See ManagerClient."""
        return is_claimed()

    def reconcile(self) -> bool:
        """See ManagerClient. False for a manager that hangs, or is of an earlier version."""
        return _done(Request.LOOK)

    def forgive(self, ifindex: int) -> bool:
        """See ManagerClient. False likewise."""
        return _done(f"{Request.UNDAMP} {ifindex}")


def _done(request: str) -> bool:
    first = next(answers(request, _PATIENCE_S), None)
    return first is not None and first.get(CONTROL) == Control.READY
