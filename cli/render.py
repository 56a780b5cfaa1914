# SPDX-License-Identifier: GPL-2.0-only
"""The state of pairs, as JSON or for people."""

import json
from collections.abc import Sequence

import click

from netvsc_bpf.model.status import PairStatus, Traffic


def print_status(pairs: Sequence[PairStatus], *, as_json: bool) -> None:
    """Print pairs to stdout in the shape of CONTRACT.md, or as text."""
    if as_json:
        click.echo(json.dumps([pair.as_json() for pair in pairs], indent=2))
    elif not pairs:
        click.echo("no pair is attached")
    else:
        click.echo("\n\n".join(_paragraph(pair) for pair in pairs))


def _paragraph(pair: PairStatus) -> str:
    vf = (
        "none"
        if pair.vf is None
        else f"{pair.vf.name} ({pair.vf.driver}, {_link(pair.vf.up, pair.vf.carrier)})"
    )
    changed = "never" if pair.last_change is None else f"{pair.last_change:%Y-%m-%d %H:%M:%S} UTC"
    lines = (
        f"{pair.synthetic.name}: path {pair.path} ({pair.reason})",
        f"  VF      {vf}",
        f"  tx      vf {_traffic(pair.tx.vf)}, synthetic {_traffic(pair.tx.synthetic)}",
        f"  rx      vf {_traffic(pair.rx.vf)}, synthetic {_traffic(pair.rx.synthetic)}",
        f"  drops   tx {pair.drops.tx_vf}, rx {pair.drops.rx_home}, duplicates {pair.drops.rx_duplicate}",
        f"  changes {pair.path_changes}, last {changed}",
        f"  how     hook {pair.hook}, liveness {pair.liveness}, rx {pair.rx_mode}, guard {pair.guard}",
    )
    return "\n".join(lines)


def _link(up: bool, carrier: bool) -> str:
    return "down" if not up else "up" if carrier else "no carrier"


def _traffic(traffic: Traffic) -> str:
    return f"{traffic.packets} packets / {traffic.bytes} bytes"
