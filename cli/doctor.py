# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf doctor."""

from collections.abc import Sequence

import click
from netvsc_bpf.cli.output import best_effort

from netvsc_bpf.doctor.finding import Finding, is_fit
from netvsc_bpf.model.names import json_text, shown

_EXIT_CANNOT = 4


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(as_json: bool) -> None:
    """Check whether this machine can run netvsc-bpf, and what to fix. Exit status 4: attach cannot work."""
    from netvsc_bpf.doctor.examine import examine

    findings = examine()
    fit = is_fit(findings)
    with best_effort():  # the verdict is the exit status
        if as_json:
            found = {"fit": fit, "findings": [finding.as_json() for finding in findings]}
            click.echo(json_text(found, indent=2))
        else:
            _print_text(findings)
    if not fit:
        raise SystemExit(_EXIT_CANNOT)


def _print_text(findings: Sequence[Finding]) -> None:
    from netvsc_bpf.cli.console import for_people

    from netvsc_bpf.view.findings import findings_table

    console = for_people()
    if console.is_terminal:
        console.print(findings_table(findings))
        return
    for finding in findings:
        remedy = "" if finding.remedy is None else f" -> {finding.remedy}"
        click.echo(shown(f"{finding.level.value:8}{finding.check}: {finding.what}{remedy}"))
