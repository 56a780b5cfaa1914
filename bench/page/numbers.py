# SPDX-License-Identifier: GPL-2.0-only
"""How the page writes numbers within sentences."""


def written(value: float) -> str:
    """Return the number with the digits that a reader needs: three, or all of them before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
