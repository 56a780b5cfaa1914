# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf run."""

import sys
from pathlib import Path

import click
from netvsc_bpf.cli import complete
from netvsc_bpf.cli.seconds import Seconds

from netvsc_bpf.datapath.options import DEFAULT_SETTLE_MS, MAX_SETTLE_MS, MIN_SETTLE_MS


@click.command()
@click.argument("interfaces", metavar="[IFACE ...]", nargs=-1, shell_complete=complete.interfaces)
@click.option(
    "--config",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Read this TOML file at start and on SIGHUP; command-line options override it.",
)
@click.option("--any-bus", is_flag=True, help="Also accept VFs that are not PCI devices.")
@click.option(
    "--settle",
    metavar="MS",
    type=click.IntRange(MIN_SETTLE_MS, MAX_SETTLE_MS),
    help="How long a VF must have been up with carrier before it is used, in ms. "
    f"[default: {DEFAULT_SETTLE_MS} for new pairs]",
)
@click.option(
    "--interval",
    metavar="SECONDS",
    type=Seconds(0.1, 3600),
    help="Check all interfaces at least this often: how long an unreported change can go unnoticed. "
    "[default: 30]",
)
@click.option("--no-announce", is_flag=True, help="Do not announce path changes to the switches.")
@click.option(
    "--metrics-listen",
    metavar="ADDR:PORT",
    help='Address to serve metrics on, or "none". [default: 127.0.0.1:9855]',
)
@click.option("--log-json", is_flag=True, help="Write events to stderr as JSON lines.")
def run(
    interfaces: tuple[str, ...],
    file: Path | None,
    any_bus: bool,
    settle: int | None,
    interval: float | None,
    no_announce: bool,
    metrics_listen: str | None,
    log_json: bool,
) -> None:
    """Run the manager: adopt new VFs, repair, report, serve metrics.

    It joins new VFs to their pairs, keeps their settings in sync, repairs what was changed and reports
    events. Without IFACE it manages all synthetic NICs.
    """
    from netvsc_bpf.config.changes import reader
    from netvsc_bpf.config.load import load, without_file
    from netvsc_bpf.manager.events.log import Log
    from netvsc_bpf.manager.events.log_writer import EventFormat
    from netvsc_bpf.manager.process import Manager
    from netvsc_bpf.manager.reload import Reload, nothing_to_read

    said = {
        ("manager", "interfaces"): interfaces or None,
        ("manager", "interval_s"): interval,
        ("attach", "any_bus"): any_bus or None,
        ("attach", "settle_ms"): settle,
        ("announce", "enabled"): False if no_announce else None,
    }
    overrides: dict[tuple[str, str], object] = {
        key: value for key, value in said.items() if value is not None
    }
    if metrics_listen is not None:
        overrides["metrics", "listen"] = _listen(metrics_listen)
    again: Reload = nothing_to_read if file is None else reader(file, overrides)
    config = without_file(overrides) if file is None else load(file, overrides)
    with Log(EventFormat(sys.stderr, as_json=log_json)) as log:
        Manager(config, log, again, log.lost).run()


def _listen(text: str) -> object:
    from netvsc_bpf.metrics.config import parse_listen
    from netvsc_bpf.model.errors import Refused

    try:
        return parse_listen(text)
    except Refused as error:
        raise click.BadParameter(f"{error.why}; {error.remedy}", param_hint="--metrics-listen") from None
