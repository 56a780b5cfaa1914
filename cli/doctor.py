# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf doctor."""

import json
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from netvsc_bpf.doctor.finding import Finding, Level, is_fit

_EXIT_CANNOT = 4
_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def doctor(as_json: bool) -> None:
    """Say whether this machine is fit, and what stands in the way. Exit status 4: attach cannot work."""
    from netvsc_bpf.doctor.examine import examine

    findings = examine()
    fit = is_fit(findings)
    if as_json:
        shown = {"fit": fit, "findings": [finding.as_json() for finding in findings]}
        click.echo(json.dumps(shown, indent=2))
    else:
        _print_text(findings)
    if not fit:
        raise SystemExit(_EXIT_CANNOT)


def _print_text(findings: Sequence[Finding]) -> None:
    console = Console()
    if console.is_terminal:
        console.print(_table(findings))
        return
    for finding in findings:
        remedy = "" if finding.remedy is None else f" -> {finding.remedy}"
        click.echo(f"{finding.level.value:8}{finding.check}: {finding.what}{remedy}")


def _table(findings: Sequence[Finding]) -> Table:
    # Text, not str: "[...]" in a name must not be taken for markup.
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        told = Text(finding.what)
        if finding.remedy is not None:
            told.append(f"\n-> {finding.remedy}", style="bold")
        table.add_row(Text(finding.level.value, style=_STYLES[finding.level]), Text(finding.check), told)
    return table
