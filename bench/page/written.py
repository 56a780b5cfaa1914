# SPDX-License-Identifier: GPL-2.0-only
"""Every file that is made of results: the summary, a page for each result, the pictures. Pure."""

from collections.abc import Sequence

from bench.page import benchmark_page, summary
from bench.page.result import Result
from bench.page.sections import section

OURS = ("benchmarks.md", "benchmarks/*.md", "pictures/bench-*.svg")
"""Patterns below docs/ that no other file matches."""


def written(results: Sequence[Result]) -> dict[str, str]:
    """Return the text of every file by its path below docs/."""
    return {
        "benchmarks.md": summary.page(results),
        **{benchmark_page.name(one): benchmark_page.page(one) for one in results},
        **summary.pictures(results),
        **pictures(results),
    }


def pictures(results: Sequence[Result]) -> dict[str, str]:
    """Return the pictures of the benchmarks' own pages."""
    return {
        benchmark_page.PICTURES.format(file=one.file, name=name): drawn
        for one in results
        for name, drawn in section(one.benchmark).pictures(one).items()
    }
