# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf drain."""

import click
from netvsc_bpf.cli.complete import interfaces
from netvsc_bpf.cli.duration import Duration

import netvsc_bpf
from netvsc_bpf.model import names
from netvsc_bpf.model.drain import MAX_FOR_S, MAX_WHY_BYTES, MIN_FOR_S


def _reason(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.strip():
        raise click.BadParameter("the text is empty; to give no reason, leave --why out.", ctx, param)
    if value is not None and (size := len(names.encode(value))) > MAX_WHY_BYTES:
        raise click.BadParameter(
            f"the text has {size} bytes; at most {MAX_WHY_BYTES} are allowed.", ctx, param
        )
    return value


@click.command()
@click.argument("interface", metavar="IFACE", shell_complete=interfaces)
@click.option(
    "--for",
    "for_s",
    metavar="TIME",
    type=Duration(MIN_FOR_S, MAX_FOR_S),
    help="End the drain after this time, such as 90s, 15m, 2h or 1d. Needs a running manager.",
)
@click.option(
    "--why",
    metavar="TEXT",
    callback=_reason,
    help=f"The reason, shown by `status` and in events; at most {MAX_WHY_BYTES} bytes.",
)
def drain(interface: str, for_s: float | None, why: str | None) -> None:
    """Move both directions of IFACE off its VF, until `undrain`. Packets take the synthetic path.

    The drain stays in force after this command, restarts of `run`, `attach` and upgrades. No packet is lost,
    and it does not count as a failure of the VF. The VF is taken down once its traffic has moved, unless the
    manager's configuration says leave = "steer". Draining again changes time and reason.
    """
    from netvsc_bpf.kernel.process.stdio import say

    for text in netvsc_bpf.drain(interface, for_s, why or ""):
        say(text)
