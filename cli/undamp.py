# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf undamp."""

import click
from netvsc_bpf.cli.complete import interfaces

import netvsc_bpf


@click.command()
@click.argument("interface", metavar="IFACE", shell_complete=interfaces)
def undamp(interface: str) -> None:
    """Use the VF of IFACE again now, although it failed: forget its failures.

    A VF is left alone for a while after it failed often (damped), stalled or reached nothing; with the return
    policy manual after any failure. This ends all of these. A drain stays.
    """
    from netvsc_bpf.kernel.process.stdio import say

    for text in netvsc_bpf.undamp(interface):
        say(text)
