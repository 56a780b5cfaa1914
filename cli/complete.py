# SPDX-License-Identifier: GPL-2.0-only
"""Shell completion of arguments."""

import io
import socket
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from netvsc_bpf.model.errors import NetvscBpfError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def interfaces(ctx: click.Context, parameter: click.Parameter, begun: str) -> "list[CompletionItem]":
    """Return the interfaces whose names begin with `begun`, except loopback.

    They are those of the network namespace that --netns names, else those of this one; none if it cannot be
    entered, for lack of a privilege or because there is none of that name.
    """
    netns = ctx.find_root().params.get("netns")
    if netns is not None:
        from netvsc_bpf.kernel.process.namespaces import enter

        try:
            enter(netns)  # this process does nothing else
        except NetvscBpfError:
            return []
    names = sorted(name for _, name in socket.if_nameindex())
    return _items((name for name in names if name != "lo"), begun)


def namespaces(ctx: click.Context, parameter: click.Parameter, begun: str) -> "list[CompletionItem]":
    """Return the named network namespaces whose names begin with `begun`."""
    from netvsc_bpf.kernel.process.namespaces import named

    return _items(named(), begun)


def _items(names: Iterable[str], begun: str) -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # the shell gets the exact bytes of a name
    return [CompletionItem(name) for name in names if name.startswith(begun)]
