# SPDX-License-Identifier: GPL-2.0-only
"""What commands ask of a running manager."""


class ManagerClient:
    """Interface to a running manager; this one is for the case without a manager."""

    def is_running(self) -> bool:
        """Return whether a manager runs for this thread's network namespace."""
        return False

    def reconcile(self) -> bool:
        """Have the manager reconcile its pairs; return whether it did. It may have ended meanwhile."""
        return False

    def forgive(self, ifindex: int) -> bool:
        """Have it forget the penalties and holds of the pair of a synthetic NIC; return whether it did."""
        return False
