# SPDX-License-Identifier: GPL-2.0-only
"""Waiting for what has no event that a bench could hear of."""

import time
from collections.abc import Callable

PATIENCE_S = 60.0


def wait(
    what: str, holds: Callable[[], bool], *, patience_s: float = PATIENCE_S, pause_s: float = 0.01
) -> None:
    """Poll until it holds. Raises TimeoutError."""
    deadline = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"never: {what}")
        time.sleep(pause_s)
