# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf drain."""

import click
from netvsc_bpf.cli.complete import interfaces
from netvsc_bpf.cli.duration import Duration

from netvsc_bpf.model import names
from netvsc_bpf.model.drain import MAX_FOR_S, MAX_WHY_BYTES, MIN_FOR_S


def _reason(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.strip():
        raise click.BadParameter("it is empty; leave it out to give none.", ctx, param)
    if value is not None and (size := len(names.encode(value))) > MAX_WHY_BYTES:
        raise click.BadParameter(f"it has {size} bytes; at most {MAX_WHY_BYTES} are kept.", ctx, param)
    return value


@click.command()
@click.argument("interface", metavar="IFACE", shell_complete=interfaces)
@click.option(
    "--for",
    "for_s",
    metavar="TIME",
    type=Duration(MIN_FOR_S, MAX_FOR_S),
    help="End it after this time, as 90s, 15m, 2h or 1d. It takes a running manager to end it.",
)
@click.option(
    "--why",
    metavar="TEXT",
    callback=_reason,
    help=f"The reason, for `status` and events; {MAX_WHY_BYTES} bytes.",
)
def drain(interface: str, for_s: float | None, why: str | None) -> None:
    """Move both directions of IFACE to the synthetic path and leave its VF alone until `undrain`.

    It outlives this command, `run` and its restarts, `attach` and upgrades. Nothing is lost, and the VF is
    not blamed for it. It is taken down when its traffic has left it, unless the manager's configuration says
    leave = "steer". Given again, time and reason are changed.
    """
    from netvsc_bpf import datapath
    from netvsc_bpf.kernel.process.stdio import say
    from netvsc_bpf.manager.events.running_manager import RunningManager

    for text in datapath.drain(interface, for_s, why or "", RunningManager()):
        say(text)
