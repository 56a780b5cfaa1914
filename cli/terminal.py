# SPDX-License-Identifier: GPL-2.0-only
"""How wide lines on stdout may be, and whether they may have colours."""

import os
import sys

_PIPED_WIDTH = 160
"""Columns if the width is unknown: wide enough that a sentence stays on one line for grep."""
_LEAST_WIDTH = 40


def width() -> int:
    """Return the columns of the terminal, or into a pipe as many as a sentence needs."""
    if not sys.stdout.isatty():
        return _PIPED_WIDTH
    given = os.environ.get("COLUMNS", "")
    columns = int(given) if given.isdecimal() else _columns()
    return max(_LEAST_WIDTH, columns)


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80  # a pseudoterminal may have no size
    except OSError:
        return 80


def coloured() -> bool | None:
    """Return False with NO_COLOR (no-color.org); None lets click decide by where the output goes."""
    return False if os.environ.get("NO_COLOR") else None
