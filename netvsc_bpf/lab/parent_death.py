# SPDX-License-Identifier: GPL-2.0-only
"""The worker's side of worker.py: detect that the other end of standard input was closed."""

import os
import threading


def until_stdin_closes() -> threading.Event:
    """Return an event that is set when standard input ends."""
    stopping = threading.Event()

    def wait() -> None:
        # Not sys.stdin: a thread inside its lock when the interpreter ends is a fatal error.
        while os.read(0, 4096):
            pass
        stopping.set()

    threading.Thread(target=wait, name="leash", daemon=True).start()
    return stopping
