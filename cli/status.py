# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf status."""

import click
from netvsc_bpf.cli.complete import interfaces
from netvsc_bpf.cli.render import print_status

import netvsc_bpf


@click.command()
@click.argument("interface", metavar="[IFACE]", required=False, shell_complete=interfaces)
@click.option("--json", "as_json", is_flag=True, help="Print the state as JSON.")
def status(interface: str | None, as_json: bool) -> None:
    """Show the attached pairs: path, reason, counters."""
    print_status(netvsc_bpf.status(interface), as_json=as_json)
