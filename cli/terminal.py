# SPDX-License-Identifier: GPL-2.0-only
"""How wide lines on stdout may be, and whether they may have colours."""

import os
import re
import sys

_PIPED_WIDTH = 160
"""Columns if the width is unknown: wide enough that a sentence stays on one line for grep."""
_LEAST_WIDTH = 40
_SIZE = re.compile("[0-9]{1,5}")


def width() -> int:
    """Return the columns of the terminal, or into a pipe as many as a sentence needs."""
    if not sys.stdout.isatty():
        return _PIPED_WIDTH
    return max(_LEAST_WIDTH, _given("COLUMNS") or _columns())


def environment() -> dict[str, str]:
    """Return the environment for rich, with COLUMNS and LINES only if they are sizes.

    rich prints nothing with a size of 0, and does not survive digits that int() refuses.
    """
    found = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    if columns := _given("COLUMNS"):
        found["COLUMNS"] = str(max(_LEAST_WIDTH, columns))
    if lines := _given("LINES"):
        found["LINES"] = str(lines)
    return found


def _given(name: str) -> int:
    """Return COLUMNS or LINES as given in the environment, 0 if it is not a size."""
    value = os.environ.get(name, "")
    return int(value) if _SIZE.fullmatch(value) else 0


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80  # a pseudoterminal may have no size
    except OSError:
        return 80


def coloured() -> bool | None:
    """Return False with NO_COLOR (no-color.org); None lets click decide by where the output goes."""
    return False if os.environ.get("NO_COLOR") else None
