# SPDX-License-Identifier: GPL-2.0-only
"""What becomes of a command whose output cannot be written.

Of a command that prints what it was asked for (`status`, `events`, `metrics`, ...) lost output is a failure.
The exit status of the others says how their work went, and stays that.
"""

from contextlib import AbstractContextManager, nullcontext

from netvsc_bpf.kernel.process import stdio


def best_effort() -> AbstractContextManager[None]:
    """Within the block lost output is reported on stderr and changes no exit status."""
    stdout = stdio.stdout()
    return nullcontext() if stdout is None else stdout.best_effort()
