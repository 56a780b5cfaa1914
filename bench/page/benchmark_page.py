# SPDX-License-Identifier: GPL-2.0-only
"""docs/benchmarks/*.md: one page for each result. Pure but for the docstrings of the benchmarks."""

from bench.page.contenders import in_words
from bench.page.markdown import escaped, limit_row, table
from bench.page.result import Result
from bench.page.sections import method, section

PICTURES = "pictures/bench-{file}-{name}.svg"
_BUSY = 1.0
"""A load average above which times say little on two CPUs."""


def name(result: Result) -> str:
    """Return the path of a result's page below docs/."""
    return f"benchmarks/{result.file}.md"


def title(result: Result) -> str:
    """Return its heading."""
    known = section(result.benchmark).title
    rest = result.file.removeprefix(result.benchmark).lstrip("-")
    return f"{known} ({rest})" if rest else known


def page(result: Result) -> str:
    """Return the whole page."""
    what = section(result.benchmark)
    lines = [
        f"# {title(result)}",
        "",
        "For people who want what is behind [benchmarks.md](../benchmarks.md): method, machine, tables.",
        "",
        "<!-- Written by bench/page from bench/results; change those, and run make bench-docs. -->",
        "",
        *_ran(result),
        "",
    ]
    for picture in what.pictures(result):
        path = PICTURES.format(file=result.file, name=picture)
        lines += [f"![{title(result)}: {picture}](../{path})", ""]
    if better := what.losses(result):
        lines += ["## Where others do better", "", *[f"- {line}" for line in better], ""]
    if tables := what.tables(result):
        lines += ["## Tables", ""]
    for one in tables:
        lines += [f"*{escaped(one.title)}*", "", table(one)]
    if remarks := [*what.remarks(result), *result.said]:
        lines += ["## Remarks", "", *[f"- {escaped(in_words(line))}" for line in remarks], ""]
    if result.limits:
        lines += ["## Limits", "", "What this project holds itself to.", ""]
        lines += ["| limit | measured | | |", "|---|---:|---|---|", *map(limit_row, result.limits), ""]
    lines += ["## Method", "", method(result.benchmark), ""]
    return "\n".join(lines).rstrip() + "\n"


def _ran(result: Result) -> list[str]:
    """Say how, when and where it ran."""
    machine = result.machine
    options = f" {result.options}" if result.options else ""
    when = result.date[:16].replace("T", " ")
    busy = " (a busy machine: a quiet one takes less time)" if machine["load_before"] > _BUSY else ""
    return [
        f"`bench.{result.benchmark}{options}`, {when} UTC, Linux {machine['kernel']}, {machine['cpus']} CPUs",
        f"({machine['processor']}), {machine['memory_gb']} GB; load {machine['load_before']:.1f} before, "
        f"{machine['load_after']:.1f} after{busy}.",
        f"Repeat it: `make bench-{result.benchmark}`.",
    ]
