# SPDX-License-Identifier: GPL-2.0-only
"""docs/benchmarks.md, from results. Pure but for the docstrings of the benchmarks."""

from collections.abc import Sequence

from bench.page.result import Result, Table
from bench.page.sections import method, place, section
from bench.report import Claim

PICTURES = "pictures/bench-{file}-{name}.svg"
_BUSY = 1.0
"""A load average above which times say little on two CPUs."""
_HEAD = """\
# Benchmarks

What `make bench-...` measured, each with its method, machine and date. Absolute times belong to the machine
that they were taken on; what is compared with something else was run in turns with it. A *limit* is what this
project holds itself to.

`make bench-all` measures everything anew, `make bench-docs` writes this page; the raw numbers are in
`bench/results`.

<!-- Written by bench/page from bench/results; change those. -->
"""


def page(results: Sequence[Result]) -> str:
    """Return the whole page."""
    ordered = sorted(results, key=lambda one: (place(one.benchmark), one.file))
    parts = [_HEAD, _glance(ordered), _short(ordered), *map(_section, ordered)]
    return "\n".join(parts)


def pictures(results: Sequence[Result]) -> dict[str, str]:
    """Return every picture by its path below docs/."""
    return {
        PICTURES.format(file=one.file, name=name): drawn
        for one in results
        for name, drawn in section(one.benchmark).pictures(one).items()
    }


def _title(result: Result) -> str:
    title = section(result.benchmark).title
    rest = result.file.removeprefix(result.benchmark).lstrip("-")
    return f"{title} ({rest})" if rest else title


def _glance(results: Sequence[Result]) -> str:
    rows = [
        (
            f"[{_title(one)}](#{_anchor(_title(one))})",
            one.date[:10],
            f"{one.machine['load_before']:.1f}, {one.machine['load_after']:.1f}",
            f"{len(one.limits) - len(one.missed)} of {len(one.limits)}" if one.limits else "-",
        )
        for one in results
    ]
    columns = ("", "date", "load before, after", "limits kept")
    return "## At a glance\n\n" + _table(Table("", columns, tuple(rows)))


def _short(results: Sequence[Result]) -> str:
    """What was missed, and where others do better: before anything else is boasted of."""
    lines = ["## Where we fall short", ""]
    missed = [f"- {_title(one)}: {_limit(claim)}" for one in results for claim in one.missed]
    better = [f"- {line}" for one in results for line in section(one.benchmark).losses(one)]
    if not missed and not better:
        return "\n".join([*lines, "Nowhere, by what was measured: every limit was kept.", ""])
    if better:
        lines += ["Others do better here:", "", *better, ""]
    if missed:
        lines += ["Limits that were missed:", "", *missed, ""]
    return "\n".join(lines)


def _section(result: Result) -> str:
    machine = result.machine
    options = f" {result.options}" if result.options else ""
    ran = f"bench.{result.benchmark}{options}"
    lines = [f"## {_title(result)}", "", method(result.benchmark), ""]
    when = result.date[:16].replace("T", " ")
    lines += [
        f"`{ran}`, {when} UTC, Linux {machine['kernel']}, {machine['cpus']} CPUs "
        f"({machine['processor']}), {machine['memory_gb']} GB; load {machine['load_before']:.1f} before, "
        f"{machine['load_after']:.1f} after{_busy(result)}.",
        "",
    ]
    for name in section(result.benchmark).pictures(result):
        lines += [f"![{_title(result)}: {name}]({PICTURES.format(file=result.file, name=name)})", ""]
    for table in result.tables:
        lines += [f"*{_escaped(table.title)}*", "", _table(table)]
    remarks = [*section(result.benchmark).remarks(result), *result.said]
    lines += [f"- {_escaped(line)}" for line in remarks]
    if remarks:
        lines.append("")
    if result.limits:
        lines += ["| limit | measured | | |", "|---|---:|---|---|", *map(_limit_row, result.limits), ""]
    return "\n".join(lines)


def _busy(result: Result) -> str:
    return " - a busy machine: a quiet one takes less time" if result.machine["load_before"] > _BUSY else ""


def _limit(claim: Claim) -> str:
    return f"{claim.what}: {_figure(claim.measured)}{_unit(claim)}, {_bound(claim)}"


def _limit_row(claim: Claim) -> str:
    verdict = "holds" if claim.holds else "**missed**"
    return (
        f"| {_escaped(claim.what)} | {_figure(claim.measured)}{_unit(claim)} | {_bound(claim)} | {verdict} |"
    )


def _bound(claim: Claim) -> str:
    return f"{'at least' if claim.at_least else 'at most'} {claim.limit:g}"


def _unit(claim: Claim) -> str:
    return f" {claim.unit}" if claim.unit else ""


def _figure(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 10_000 else f"{value:.4g}"


def _table(table: Table) -> str:
    rule = "|" + "|".join("---:" if number else "---" for number in range(len(table.columns))) + "|"
    return "\n".join([_row(table.columns), rule, *map(_row, table.rows), ""])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _anchor(title: str) -> str:
    """As GitHub makes them of headings."""
    kept = "".join(one for one in title.lower() if one.isalnum() or one in " -_")
    return kept.replace(" ", "-")
