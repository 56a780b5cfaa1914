# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf top."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import click
from netvsc_bpf.cli.complete import interfaces
from netvsc_bpf.cli.seconds import Seconds

from netvsc_bpf.model.names import json_text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from netvsc_bpf.view.rates import PairRates

    Intervals = Callable[[Callable[[float], bool]], Iterator[Sequence[PairRates]]]
    """Returns the rates of each interval, given what waits for one: false to stop."""


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
@click.option(
    "--json", "as_json", is_flag=True, help="Print each interval as a JSON object on a line of its own."
)
def top(
    interface: str | None, interval: float, count: int | None, once: bool, sort: str, as_json: bool
) -> None:
    """Show traffic rates by direction and path. Also the reason for the path, path changes and drops.

    The numbers are read from the kernel; no manager is needed. On a terminal the table is updated in place
    until `q` or Ctrl-C; otherwise a new table is printed for each interval.
    """
    if once and count is not None:
        raise click.UsageError("use either --once or --count")
    most = 1 if once else count
    from netvsc_bpf import datapath
    from netvsc_bpf.view.rates import Look, busiest_first, by_name, watch

    def intervals(wait: Callable[[float], bool]) -> "Iterator[Sequence[PairRates]]":
        looks = watch(lambda: Look(time.monotonic(), datapath.status(interface)), lambda: wait(interval))
        return (busiest_first(one) if sort == "traffic" else by_name(one) for one in islice(looks, most))

    if as_json:
        _print_json(intervals, interval)
    else:
        _print_tables(intervals, in_place=most != 1)


def _print_json(intervals: "Intervals", interval: float) -> None:
    from netvsc_bpf.kernel.process.stdio import reader_is_gone
    from netvsc_bpf.view.rates import as_json

    def wait(seconds: float) -> bool:
        time.sleep(seconds)
        return not reader_is_gone()

    for pairs in intervals(wait):
        click.echo(json_text(as_json(pairs, datetime.now(UTC), interval)))


def _print_tables(intervals: "Intervals", *, in_place: bool) -> None:
    from netvsc_bpf.cli.console import for_people, show
    from rich.live import Live
    from rich.text import Text

    from netvsc_bpf.view.keys import keys_of
    from netvsc_bpf.view.top_list import top_list
    from netvsc_bpf.view.top_table import LEAST_WIDTH, top_table

    console = for_people()

    def drawn(pairs: "Sequence[PairRates]", footer: str | None = None) -> "RenderableType":
        draw = top_table if console.width >= LEAST_WIDTH else top_list
        return draw(pairs, datetime.now(UTC), footer)

    live = last = None
    try:
        with ExitStack() as undo:
            keys = undo.enter_context(keys_of(sys.stdin.fileno() if console.is_terminal else -1))
            if console.is_terminal and in_place:
                live = undo.enter_context(Live(Text("..."), console=console, screen=True, auto_refresh=False))
            for last in intervals(keys.wait):
                if live is None:
                    show(console, drawn(last))
                else:
                    live.update(drawn(last, "q quits"), refresh=True)
    finally:
        if live is not None and last is not None:
            show(console, drawn(last))  # leave the last table on the normal screen
