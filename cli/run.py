# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf run."""

import sys
from pathlib import Path

import click
from netvsc_bpf.cli.run_options import configured, overrides, run_options
from netvsc_bpf.cli.seconds import Seconds

from netvsc_bpf.model.severity import Severity


@click.command()
@run_options("Read this TOML file at start and on SIGHUP; command-line options override it.")
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
@click.option(
    "--log-level",
    type=click.Choice([one.value for one in Severity]),
    help="Log events that are at least so severe. [default: info]",
)
@click.option("-v", "--verbose", is_flag=True, help="Log each reconciliation too: --log-level debug.")
@click.option("-q", "--quiet", count=True, help="Log warnings and errors only; -qq: errors only.")
@click.option("--log-json", is_flag=True, help="Write events to stderr as JSON lines.")
def run(
    interfaces: tuple[str, ...],
    file: Path | None,
    any_bus: bool,
    settle: int | None,
    interval: float | None,
    no_announce: bool,
    metrics_listen: str | None,
    log_level: str | None,
    verbose: bool,
    quiet: int,
    log_json: bool,
) -> None:
    """Run the manager: adopt new VFs, repair, report, serve metrics.

    It joins new VFs to their pairs, keeps their settings in sync, repairs what was changed and reports
    events. Without IFACE it manages all synthetic NICs. The log goes to stderr: with time and severity, or
    with the prefixes of sd-daemon(3) if that is the journal.
    """
    from netvsc_bpf.config.changes import reader
    from netvsc_bpf.manager.events.log import Log
    from netvsc_bpf.manager.events.log_writer import EventFormat
    from netvsc_bpf.manager.process import Manager
    from netvsc_bpf.manager.reload import Reload, nothing_to_read

    given = overrides(
        manager__interfaces=interfaces or None,
        manager__interval_s=interval,
        any_bus=any_bus or None,
        settle_ms=settle,
        announce__enabled=False if no_announce else None,
        log__level=_level(log_level, verbose=verbose, quiet=quiet),
    )
    if metrics_listen is not None:
        given["metrics", "listen"] = _listen(metrics_listen)
    again: Reload = nothing_to_read if file is None else reader(file, given)
    config = configured(file, given)
    with Log(EventFormat(sys.stderr, as_json=log_json), level=config.log.level) as log:
        Manager(config, log, again, log.lost, log.set_level).run()


def _level(level: str | None, *, verbose: bool, quiet: int) -> Severity | None:
    """Return the level of the log, None if the command line does not set it."""
    if sum((level is not None, verbose, quiet > 0)) > 1:
        raise click.UsageError("use one of --log-level, -v and -q")
    if level is not None:
        return Severity(level)
    if verbose:
        return Severity.DEBUG
    return (None, Severity.WARNING, Severity.ERROR)[min(quiet, 2)]


def _listen(text: str) -> object:
    from netvsc_bpf.metrics.config import parse_listen
    from netvsc_bpf.model.errors import Refused

    try:
        return parse_listen(text)
    except Refused as error:
        raise click.BadParameter(f"{error.why}; {error.remedy}", param_hint="--metrics-listen") from None
