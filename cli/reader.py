# SPDX-License-Identifier: GPL-2.0-only
"""Who reads stdout may go before we are through, as `head` does: that is an end like any other."""

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def may_go() -> Iterator[None]:
    """End the block quietly when nobody reads any more."""
    try:
        yield
    except BrokenPipeError:
        # What Python would still flush at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def is_gone() -> bool:
    """Say whether stdout is a pipe that was closed: there may be nothing to write to find out by."""
    state = select.poll()
    state.register(sys.stdout, 0)
    return any(happened & select.POLLERR for _, happened in state.poll(0))
