# SPDX-License-Identifier: GPL-2.0-only
"""docs/benchmarks.md: five claims, where others do better, and which page has what. Pure."""

from collections.abc import Sequence

from bench.page.benchmark_page import name, title
from bench.page.headlines import headlines
from bench.page.markdown import limit, table
from bench.page.result import Result, Table
from bench.page.sections import place, section

_HEAD = """\
# Benchmarks

For people who decide whether to use it: what it costs, what it saves, and where others do better. Every
number comes from `bench/results`; the link behind it leads to the method, the machine and the tables.
Absolute times belong to the machine on which they were taken. Competitors were measured in turns with it on
the same one, except for failover: there one ran after the other, mostly in runs days apart.

<!-- Written by bench/page from bench/results; change those, and run make bench-docs. -->
"""
_REPEAT = """\
## How to repeat it

`make bench-all` measures everything into `bench/results` (hours), `make bench-docs` writes these pages.
`make bench-NAME` runs one, for example `make bench-join`; its numbers go to `build/bench`. All of it needs
root; failover and cost per packet run in QEMU guests, the rest in network namespaces.
"""


def page(results: Sequence[Result]) -> str:
    """Return the whole page."""
    ordered = sorted(results, key=lambda one: (place(one.benchmark), one.file))
    return "\n".join([_HEAD, *_claims(ordered), _short(ordered), _REPEAT, _index(ordered)])


def pictures(results: Sequence[Result]) -> dict[str, str]:
    """Return the pictures of the claims, by path below docs/."""
    return {one.picture: one.drawn for one in headlines(results)}


def _claims(results: Sequence[Result]) -> list[str]:
    found = []
    for one in headlines(results):
        found.append(
            f"## {one.title}\n\n{one.sentence} [More]({one.page})\n\n![{one.title}]({one.picture})\n"
        )
    return found


def _short(results: Sequence[Result]) -> str:
    """Say what was missed and where others do better, in plain words."""
    lines = ["## Where it loses", ""]
    for one in results:
        lines += [f"- {line} [More]({name(one)})" for line in section(one.benchmark).short(one)]
    for one in results:
        where = f"[{title(one)}]({name(one)})"
        lines += [f"- A limit was missed: {limit(claim)}. {where}" for claim in one.missed]
    if len(lines) == 2:
        lines.append("Nowhere, by what was measured: every limit was kept.")
    return "\n".join([*lines, ""])


def _index(results: Sequence[Result]) -> str:
    rows = tuple(
        (
            f"[{title(one)}]({name(one)})",
            one.date[:10],
            f"{len(one.limits) - len(one.missed)} of {len(one.limits)}" if one.limits else "-",
        )
        for one in results
    )
    return "## All benchmarks\n\n" + table(Table("", ("benchmark", "date", "limits kept"), rows))
