# SPDX-License-Identifier: GPL-2.0-only
"""The doctor's findings as a table, problems last: those are still in sight when the output has scrolled."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from netvsc_bpf.doctor.finding import Finding, Level, is_fit
from netvsc_bpf.model.names import shown
from netvsc_bpf.view.amounts import count

_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}


def findings_table(findings: Sequence[Finding]) -> RenderableType:
    """Return all findings, and a last line with the summary."""
    # Text, not str: "[...]" in a name must not be taken for markup.
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column()
    for finding in findings:
        text = Text(shown(finding.what))
        if finding.remedy is not None:
            text.append(f"\n-> {shown(finding.remedy)}", style="bold")
        table.add_row(Text(finding.level.value, style=_STYLES[finding.level]), Text(finding.check), text)
    return Group(table, Text(), _summary(findings))


def _summary(findings: Sequence[Finding]) -> Text:
    problems = sum(1 for one in findings if one.level is Level.PROBLEM)
    warnings = sum(1 for one in findings if one.level is Level.WARNING)
    verdict = "ready for netvsc-bpf" if is_fit(findings) else "not ready: attach cannot work"
    style = _STYLES[Level.PROBLEM if problems else Level.WARNING if warnings else Level.OK]
    line = Text(f"This machine is {verdict}", style=style)
    if problems or warnings:
        numbers = [count(problems, "problem", "problems")] if problems else []
        numbers += [count(warnings, "warning", "warnings")] if warnings else []
        line.append(f" ({', '.join(numbers)})")
    return line
