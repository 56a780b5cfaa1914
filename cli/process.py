# SPDX-License-Identifier: GPL-2.0-only
"""Running the command line to an exit status, even with broken streams or Ctrl-C at any moment."""

import os
import signal
import sys
from typing import Any

import click
from netvsc_bpf.cli.commands import command_line
from netvsc_bpf.cli.main import INTERRUPTED

from netvsc_bpf.kernel.process import stdio
from netvsc_bpf.model.errors import NetvscBpfError

_AGAIN_S = 0.01


def run() -> int:
    """Run the command line; return the exit status."""
    stdio.take_over()
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if not ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.unraisablehook = _unraisable
    status = _status()
    if not ignored:
        # From here on only the wait for threads can be interrupted.
        signal.signal(signal.SIGINT, lambda *_: os._exit(status))
    return status


def _status() -> int:
    try:
        returned = command_line.main(prog_name="netvsc-bpf", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except NetvscBpfError as error:  # the program's own --help could not be printed
        stdio.say(str(error))
        return error.exit_code
    except stdio.ReaderGone:
        return 0
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return returned if isinstance(returned, int) else 0


def _unraisable(what: Any) -> None:
    """Raise KeyboardInterrupt again if it hit a callback whose errors Python ignores, as in imports."""
    if what.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(what)
        return
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
