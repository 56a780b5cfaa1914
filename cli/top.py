# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf top."""

import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime

import click
from netvsc_bpf.cli.complete import interfaces
from netvsc_bpf.cli.seconds import Seconds


@click.command()
@click.argument("interface", metavar="[IFACE]", required=False, shell_complete=interfaces)
@click.option(
    "--interval",
    metavar="SECONDS",
    type=Seconds(0.1, 3600),
    default=2.0,
    show_default=True,
    help="Time over which rates are measured.",
)
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="Stop after N intervals.")
@click.option("--once", is_flag=True, help="Stop after one interval, like --count 1.")
@click.option(
    "--sort",
    type=click.Choice(["traffic", "name"]),
    default="traffic",
    show_default=True,
    help="Busiest pair first, or by name.",
)
def top(interface: str | None, interval: float, count: int | None, once: bool, sort: str) -> None:
    """Show traffic rates by direction and path. Also the reason for the path, path changes and drops.

    The numbers are read from the kernel; no manager is needed. On a terminal the table is updated in place
    until `q` or Ctrl-C; otherwise a new table is printed for each interval.
    """
    if once and count is not None:
        raise click.UsageError("use either --once or --count")
    from netvsc_bpf.cli.console import for_people, show
    from rich.live import Live
    from rich.text import Text

    from netvsc_bpf import datapath
    from netvsc_bpf.view.keys import keys_of
    from netvsc_bpf.view.rates import Look, busiest_first, by_name, watch
    from netvsc_bpf.view.top_table import top_table

    left = 1 if once else count
    console = for_people()
    live = table = None
    try:
        with ExitStack() as undo:
            keys = undo.enter_context(keys_of(sys.stdin.fileno() if console.is_terminal else -1))
            if console.is_terminal and left != 1:
                live = undo.enter_context(Live(Text("..."), console=console, screen=True, auto_refresh=False))
            looks = watch(
                lambda: Look(time.monotonic(), datapath.status(interface)), lambda: keys.wait(interval)
            )
            for pairs in looks:
                shown = busiest_first(pairs) if sort == "traffic" else by_name(pairs)
                table = top_table(shown, datetime.now(UTC))
                if live is None:
                    show(console, table)
                else:
                    table.caption = "q quits"
                    live.update(table, refresh=True)
                left = None if left is None else left - 1
                if left == 0:
                    break
    finally:
        if live is not None and table is not None:
            table.caption = None
            show(console, table)  # leave the last table on the normal screen
