# SPDX-License-Identifier: GPL-2.0-only
"""Parts of pages: tables, numbers, anchors. Pure."""

from collections.abc import Sequence

from bench.page.result import Table
from bench.report import Claim


def table(one: Table) -> str:
    """Return a table; the columns that name a row are left-aligned, the others right-aligned."""
    rule = (
        "|" + "|".join("---" if number < one.labels else "---:" for number in range(len(one.columns))) + "|"
    )
    return "\n".join([row(one.columns), rule, *map(row, one.rows), ""])


def row(cells: Sequence[str]) -> str:
    """Return one line of a table."""
    return "| " + " | ".join(escaped(cell) for cell in cells) + " |"


def escaped(text: str) -> str:
    """Return text that does not end a cell."""
    return text.replace("|", "\\|")


def limit(claim: Claim) -> str:
    """Say what was measured, and the limit."""
    return f"{claim.what}: {figure(claim.measured)}{unit(claim)}, {bound(claim)}"


def limit_row(claim: Claim) -> str:
    """Return the line of the table of limits."""
    verdict = "holds" if claim.holds else "**missed**"
    return f"| {escaped(claim.what)} | {figure(claim.measured)}{unit(claim)} | {bound(claim)} | {verdict} |"


def bound(claim: Claim) -> str:
    """Return the limit with its direction."""
    return f"{'at least' if claim.at_least else 'at most'} {claim.limit:g}"


def unit(claim: Claim) -> str:
    """Return the unit, with the blank before it."""
    return f" {claim.unit}" if claim.unit else ""


def figure(value: float) -> str:
    """Return a number with four digits, or all of them before the point."""
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 10_000 else f"{value:.4g}"
