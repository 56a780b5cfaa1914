# SPDX-License-Identifier: GPL-2.0-only
"""pyroute2's socket, for those who may need it: tc on kernels without tcx.

Importing it takes 20 MB and a fifth of a second, which a manager that runs for months on a newer kernel need
not spend.
"""

from typing import Any


class LazyIpr:
    """An IPRoute that is imported and opened at its first use, in the network namespace of that thread."""

    def __init__(self) -> None:
        self._opened: Any = None

    def close(self) -> None:
        """Close it, if it was ever opened."""
        if self._opened is not None:
            self._opened.close()

    def __getattr__(self, name: str) -> Any:
        if self._opened is None:
            from pyroute2 import IPRoute

            self._opened = IPRoute()
        return getattr(self._opened, name)
