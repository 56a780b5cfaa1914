# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf events."""

from datetime import datetime

import click
from netvsc_bpf.cli.complete import interfaces
from netvsc_bpf.cli.moment import Moment

import netvsc_bpf
from netvsc_bpf.kernel.process.stdio import reader_is_gone, say
from netvsc_bpf.model.names import json_text


@click.command()
@click.argument("interface", metavar="[IFACE]", required=False, shell_complete=interfaces)
@click.option("--follow", "-f", is_flag=True, help="Keep printing new events until Ctrl-C.")
@click.option(
    "--since",
    metavar="TIME",
    type=Moment(),
    help="Only events from then on: 10m (ago), 08:30, 2026-11-24, or 2026-11-24 08:30:00+01:00.",
)
@click.option(
    "-n", "--lines", "last", metavar="N", type=click.IntRange(min=1), help="Only the last N known events."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print each event as a JSON object on a line of its own."
)
def events(
    interface: str | None, follow: bool, since: datetime | None, last: int | None, as_json: bool
) -> None:
    """Show what happened, with cause, time and duration; with IFACE only what concerns that interface.

    Events are path changes, VFs joined and removed, refusals and repairs. They come from the running manager,
    which keeps the last 4096; those of the manager itself have the interface `manager`. Without a manager
    only path changes are shown, which the kernel records itself.
    """
    from netvsc_bpf.view.event_lines import EventLines

    text = EventLines()
    known = netvsc_bpf.events(follow=follow, note=say, interface=interface, since=since, last=last)
    for records in known:
        for record in records:
            click.echo(json_text(record) if as_json else text.line(record))
        if reader_is_gone():
            return
