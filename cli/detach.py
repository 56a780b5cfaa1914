# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf detach."""

import click
from netvsc_bpf.cli.complete import interfaces


@click.command()
@click.argument("interface", metavar="[IFACE]", required=False, shell_complete=interfaces)
@click.option("--all", "everything", is_flag=True, help="Detach every pair in this network namespace.")
def detach(interface: str | None, everything: bool) -> None:
    """Remove the data path and restore the settings found at attach."""
    if everything == (interface is not None):
        raise click.UsageError("name one interface, or --all")
    from netvsc_bpf import datapath
    from netvsc_bpf.kernel.process.stdio import say
    from netvsc_bpf.manager.events.claim import refuse_while_managed

    refuse_while_managed(f"cannot detach {interface or 'all'}")
    if interface is not None:
        datapath.detach(interface)
        return
    _, warnings = datapath.detach_all()
    for warning in warnings:
        say(str(warning))
