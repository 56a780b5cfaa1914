# SPDX-License-Identifier: GPL-2.0-only
"""A manager's turns from a VF that is new until home has its link."""

import time
from collections.abc import Callable


def look_until_at_rest(manager: Callable[[], object], settle_ms: int) -> None:
    """Let a manager look again and again: the link comes once the VF is used, the settle time later."""
    for _ in range(4):
        manager()
        time.sleep(2 * settle_ms / 1e3)
