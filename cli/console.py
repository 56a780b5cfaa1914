# SPDX-License-Identifier: GPL-2.0-only
"""Where rich output goes: colours and the terminal's width at a terminal, plain text anywhere else."""

from typing import Literal

import click
from netvsc_bpf.cli import terminal
from rich.console import Console, RenderableType


def for_people() -> Console:
    """Return a console on stdout; with NO_COLOR (no-color.org) it has no styles at all."""
    system: Literal["auto"] | None = None if terminal.coloured() is False else "auto"
    environ = terminal.environment()
    console = Console(highlight=False, emoji=False, color_system=system, _environ=environ)
    if not console.is_terminal:
        console.width = max(console.width, terminal.width())
    return console


def show(console: Console, shown: RenderableType) -> None:
    """Print a renderable; into a pipe without trailing blanks."""
    if console.is_terminal:
        console.print(shown)
        return
    with console.capture() as captured:
        console.print(shown)
    click.echo("\n".join(line.rstrip() for line in captured.get().split("\n")), nl=False)
