# SPDX-License-Identifier: GPL-2.0-only
"""Shell completion of arguments."""

import io
import socket
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def interfaces(ctx: click.Context, parameter: click.Parameter, begun: str) -> "list[CompletionItem]":
    """Return the interfaces of this network namespace whose names begin with `begun`, except loopback."""
    from click.shell_completion import CompletionItem

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # the shell gets the exact bytes of a name
    names = sorted(name for _, name in socket.if_nameindex())
    return [CompletionItem(name) for name in names if name.startswith(begun) and name != "lo"]
