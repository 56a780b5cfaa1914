# SPDX-License-Identifier: GPL-2.0-only
"""The `netvsc-bpf` program. Signals are set up first: importing the commands takes a tenth of a second."""

import gc
import os
import signal
import sys
from typing import NoReturn

INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells have it: 128 and the number of SIGINT."""


def main() -> NoReturn:
    """Run the command line and exit."""
    # Imports leave no garbage, and looking for some takes a twentieth of the time of `status`. Commands that
    # may go on for long enable it again (commands.py).
    gc.disable()
    # Unless SIGINT is ignored, as when a shell without job control starts the program with `&`.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))  # nothing has been started yet
    # SIGHUP stays blocked until the command is known: `run` reloads on it, the others end.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    from netvsc_bpf.cli.process import run

    _leave(run())


def _leave(status: int) -> NoReturn:
    """Exit without clearing every module, which takes a tenth of the time of `status`; output is unbuffered.

    Python's own way, where there is something to wait for, or a profiler or debugger that wants to write.
    """
    import threading  # not before: until main() handles Ctrl-C, it ends in a traceback

    if threading.active_count() == 1 and sys.getprofile() is None and sys.gettrace() is None:
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    main()
