# SPDX-License-Identifier: GPL-2.0-only
"""Parsing TOML, going on after a mistake, so that one run reports as many as possible. Pure."""

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from netvsc_bpf.config.lines import error_line

_MOST = 50
"""Mistakes of syntax in one file; one that has more is no TOML."""
_LONG_NUMBER = re.compile(r"[=\[,]\s*([+-]?(?:0[xob])?[0-9a-f_]{1000,})", re.IGNORECASE)
"""Python refuses to convert numbers of some thousand digits, from text and to text."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file as far as it could be parsed."""

    text: str
    """The text with empty lines in place of those that could not be parsed."""
    data: dict[str, Any] | None
    """None if nothing could be parsed."""
    mistakes: tuple[tuple[int, str], ...] = ()
    """Lines, and what is wrong with them."""


def parsed(text: str) -> Parsed:
    """Parse a text; a line with a mistake is left out, and with a header the table below it. Never raises."""
    mistakes: list[tuple[int, str]] = []
    lines = text.split("\n")
    for match in _LONG_NUMBER.finditer(text):
        number = text.count("\n", 0, match.start(1))
        mistakes.append((number + 1, "invalid TOML: a number has too many digits"))
        lines[number] = ""
    while len(mistakes) < _MOST:
        text = "\n".join(lines)
        try:
            return Parsed(text, tomllib.loads(text), tuple(mistakes))
        except tomllib.TOMLDecodeError as error:
            line = error_line(text, error)
            mistakes.append((line, f"invalid TOML: {_reason(error)}"))
        except RecursionError:
            return Parsed(text, None, (*mistakes, (1, "values are nested too deeply")))
        if not _leave_out(lines, line - 1):
            break
    return Parsed(text, None, tuple(mistakes))


def _reason(error: tomllib.TOMLDecodeError) -> str:
    return re.sub(r" \(at [^()]*\)$", "", str(error))


def _leave_out(lines: list[str], number: int) -> bool:
    """Empty a line; after a header, the lines of its table too. Return whether that changed anything."""
    if number >= len(lines) or not lines[number].strip():
        return False
    header = lines[number].lstrip().startswith("[")
    lines[number] = ""
    while header and (number := number + 1) < len(lines) and not lines[number].lstrip().startswith("["):
        lines[number] = ""
    return True
