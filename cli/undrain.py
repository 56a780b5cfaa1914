# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf undrain."""

import sys

import click
from netvsc_bpf.cli.complete import interfaces

import netvsc_bpf
from netvsc_bpf.model.errors import NetvscBpfError


@click.command()
@click.argument("interface", metavar="[IFACE]", required=False, shell_complete=interfaces)
@click.option(
    "--all", "everything", is_flag=True, help="End the drain of every pair in this network namespace."
)
def undrain(interface: str | None, everything: bool) -> None:
    """End `drain`: use the VF of IFACE again after its settle time.

    It also allows the return of a VF that failed, where the return policy is manual.
    """
    if everything == (interface is not None):
        raise click.UsageError("name one interface, or --all")
    from netvsc_bpf.kernel.process.stdio import say

    errors: list[NetvscBpfError] = []
    if interface is not None:
        said = netvsc_bpf.undrain(interface)
    else:
        said, errors = netvsc_bpf.undrain_all()
    for text in [*said, *map(str, errors)]:
        say(text)
    if errors:
        sys.exit(errors[0].exit_code)
