# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf detach."""

import click
from netvsc_bpf.cli.complete import interfaces

import netvsc_bpf


@click.command()
@click.argument("interface", metavar="[IFACE]", required=False, shell_complete=interfaces)
@click.option("--all", "everything", is_flag=True, help="Detach every pair in this network namespace.")
def detach(interface: str | None, everything: bool) -> None:
    """Remove the data path and restore the settings found at attach."""
    if everything == (interface is not None):
        raise click.UsageError("name one interface, or --all")
    from netvsc_bpf.kernel.process.stdio import say

    if interface is not None:
        netvsc_bpf.detach(interface)
        return
    _, warnings = netvsc_bpf.detach_all()
    for warning in warnings:
        say(str(warning))
