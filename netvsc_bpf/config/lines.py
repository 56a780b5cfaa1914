# SPDX-License-Identifier: GPL-2.0-only
"""Which line of a TOML text a key stands on. Pure.

tomllib does not say. But a text cut off after any complete statement is TOML by itself, and one that is cut
off within a statement is none: so the first beginning that parses and has the key ends with its statement.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any


def line_of(text: str, path: Sequence[str]) -> int:
    """Return the line, from 1, on which the statement begins that first gives `path` (tables, then a key).

    Where the text has no such key: the line of as much of the path as there is, and 1 if there is none of it.
    """
    depth, found = 0, 1
    for begin, data in _beginnings(text):
        there = _depth(data, path)
        if there > depth:
            depth, found = there, begin
        if depth == len(path):
            break
    return found


def error_line(text: str, error: tomllib.TOMLDecodeError) -> int:
    """Return the line that tomllib complains about."""
    told = re.search(r"at line (\d+)", str(error))
    return int(told.group(1)) if told else text.rstrip("\n").count("\n") + 1


def _beginnings(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield what the text says after each statement, with the number of the line on which that one begins."""
    lines = text.split("\n")  # TOML knows no other ends of lines than this one, with or without "\r"
    begin = 0
    for end in range(1, len(lines) + 1):
        try:
            data = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
        yield begin + 1, data
        begin = end


def _depth(data: object, path: Sequence[str]) -> int:
    for depth, name in enumerate(path):
        if not isinstance(data, dict) or name not in data:
            return depth
        data = data[name]
    return len(path)
