# SPDX-License-Identifier: GPL-2.0-only
"""Errors as the one line and the exit code that CONTRACT.md promises."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from netvsc_bpf.kernel.process.stdio import say
from netvsc_bpf.model.errors import CompileError, NetvscBpfError
from netvsc_bpf.model.names import on_one_line, shown


class ErrorLine(click.ClickException):
    """A library error that ends the command."""

    def __init__(self, error: NetvscBpfError, *, verbose: bool) -> None:
        super().__init__(on_one_line(str(error)))
        self.exit_code = error.exit_code  # type: ignore[misc]  # click reads it from the instance
        self._log = error.log if verbose and isinstance(error, CompileError) else ""

    def show(self, file: object = None) -> None:
        """Print what failed, why and what to do; with --verbose the compiler's log before it."""
        if self._log:
            click.echo(shown(self._log), err=True)
        say(self.format_message())


class UsageLine(click.ClickException):
    """A command line that makes no sense: what is wrong, and where the usage is explained."""

    exit_code = click.UsageError.exit_code

    def __init__(self, error: click.UsageError, path: str) -> None:
        """`path` is the command line's beginning, such as `netvsc-bpf config check`."""
        command = path.partition(" ")[2]
        said = on_one_line(error.format_message().rstrip("."))
        super().__init__(f"{f'{command}: ' if command else ''}{said}; see `{path} -h`")

    def show(self, file: object = None) -> None:
        """Print the line; click's own has the usage of the command above it."""
        say(self.format_message())


@contextmanager
def usage_lines(ctx: click.Context | None = None) -> Iterator[None]:
    """Raise a usage error as its line; `ctx` is that of the program.

    What click answers to no arguments at all is a help page, and stays.
    """
    try:
        yield
    except click.UsageError as error:
        # click 8.1 has no such class: it prints the page itself.
        if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
            raise
        raise UsageLine(error, _path(error, ctx)) from error


def _path(error: click.UsageError, ctx: click.Context | None) -> str:
    if error.ctx is not None:
        return error.ctx.command_path
    # Of an option without its argument click does not say whose it is.
    words = () if ctx is None else (ctx.command_path, ctx.invoked_subcommand)
    return " ".join(word for word in words if word) or "netvsc-bpf"
