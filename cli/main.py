# SPDX-License-Identifier: GPL-2.0-only
"""The `netvsc-bpf` program: signals first, for what the commands need takes a tenth of a second to import."""

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
    # Unless it is ignored, as in what a shell without job control starts with `&`.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))  # nothing has been begun yet
    # Kept until the command is known: `run` reloads for it once it can; the others end, as programs do.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    from netvsc_bpf.cli.process import run

    sys.exit(run())


if __name__ == "__main__":
    main()
