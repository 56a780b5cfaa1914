# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf run."""

import sys

import click

from netvsc_bpf.datapath.options import DEFAULT_SETTLE_MS, MAX_SETTLE_MS, MIN_SETTLE_MS, AttachOptions


@click.command()
@click.argument("interfaces", metavar="[IFACE ...]", nargs=-1)
@click.option("--any-bus", is_flag=True, help="Take VFs that are no PCI devices.")
@click.option(
    "--settle",
    metavar="MS",
    type=click.IntRange(MIN_SETTLE_MS, MAX_SETTLE_MS),
    help=f"How long a VF must have been up with carrier; {DEFAULT_SETTLE_MS} for pairs that are new.",
)
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=30.0,
    show_default=True,
    help="Look at everything at least this often: how long a change that nobody tells may go unnoticed.",
)
@click.option("--no-announce", is_flag=True, help="Do not tell the switches of a change of path.")
@click.option("--log-json", is_flag=True, help="Write events to stderr as JSON lines.")
def run(
    interfaces: tuple[str, ...],
    any_bus: bool,
    settle: int | None,
    interval: float,
    no_announce: bool,
    log_json: bool,
) -> None:
    """Manage pairs.

    Join VFs that come, keep them in step, repair, report. Without IFACE: all synthetic NICs.
    """
    from netvsc_bpf.manager.announcement_plan import AnnouncePolicy
    from netvsc_bpf.manager.config import ManagerConfig
    from netvsc_bpf.manager.event_writer import EventWriter
    from netvsc_bpf.manager.manager import Manager

    options = AttachOptions(any_bus=any_bus, settle_ms=settle or DEFAULT_SETTLE_MS)
    config = ManagerConfig(
        interfaces=interfaces,
        options=options,
        settle_ms=settle,
        announce=AnnouncePolicy(enabled=not no_announce),
        interval_s=interval,
    )
    Manager(config, EventWriter(sys.stderr, as_json=log_json)).run()
