# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf events."""

import click

import netvsc_bpf
from netvsc_bpf.kernel.process.stdio import reader_is_gone, say
from netvsc_bpf.model.names import json_text


@click.command()
@click.option("--follow", "-f", is_flag=True, help="Keep printing new events until Ctrl-C.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print each event as a JSON object on a line of its own."
)
def events(follow: bool, as_json: bool) -> None:
    """Show what happened, with cause, time and duration.

    Events are path changes, VFs joined and removed, refusals and repairs. They come from the running manager,
    which keeps the last 4096. Without a manager only path changes are shown, which the kernel records itself.
    """
    from netvsc_bpf.view.event_lines import EventLines

    text = EventLines()
    for records in netvsc_bpf.events(follow=follow, note=say):
        for record in records:
            click.echo(json_text(record) if as_json else text.line(record))
        if reader_is_gone():
            return
