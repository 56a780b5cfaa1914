# SPDX-License-Identifier: GPL-2.0-only
"""The exit status of a command whose output cannot be written.

For a command that prints information (`status`, `events`, `metrics`, ...) lost output is a failure. The exit
status of the others says how their work went, and lost output does not change it.
"""

from contextlib import AbstractContextManager, nullcontext

from netvsc_bpf.kernel.process import stdio


def best_effort() -> AbstractContextManager[None]:
    """Within the block, report lost output on stderr without changing the exit status."""
    stdout = stdio.stdout()
    return nullcontext() if stdout is None else stdout.best_effort()
