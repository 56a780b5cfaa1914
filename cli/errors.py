# SPDX-License-Identifier: GPL-2.0-only
"""Library errors as the one line and the exit code that CONTRACT.md promises."""

import click

from netvsc_bpf.kernel.process.stdio import say
from netvsc_bpf.model.errors import CompileError, NetvscBpfError
from netvsc_bpf.model.names import shown


class ErrorLine(click.ClickException):
    """A library error that ends the command."""

    def __init__(self, error: NetvscBpfError, *, verbose: bool) -> None:
        super().__init__(str(error))
        self.exit_code = error.exit_code  # type: ignore[misc]  # click reads it from the instance
        self._log = error.log if verbose and isinstance(error, CompileError) else ""

    def show(self, file: object = None) -> None:
        """Print what failed, why and what to do; with --verbose the compiler's log before it."""
        if self._log:
            click.echo(shown(self._log), err=True)
        say(self.format_message())
