# SPDX-License-Identifier: GPL-2.0-only
"""The line of a TOML text that a key is on. Pure.

tomllib does not report it. So the text, which tomllib has accepted as a whole, is split into its statements
in one pass, and each statement is parsed by itself: the work is linear in the length of the text.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'  # up to two quotes may precede the closing three
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\[\]{}\n]",
    re.DOTALL,
)
"""Tokens that decide whether the end of a line is the end of a statement."""


def line_of(text: str, path: Sequence[str]) -> int:
    """Return the line, from 1, of the first statement that sets `path` (tables, then a key).

    The text must be valid TOML. Without such a key: the line of the longest part of the path that exists, or
    1 if no part of it does.
    """
    depth, found = 0, 1
    table: list[str] | None = []
    for begin, statement in _statements(text):
        data = tomllib.loads(statement)
        if statement.startswith("["):
            table = _table(data)
            there = _depth(data, path)
        elif table is not None and list(path[: len(table)]) == table:
            there = len(table) + _depth(data, path[len(table) :])
        else:
            continue
        if there > depth:
            depth, found = there, begin
        if depth == len(path):
            break
    return found


def error_line(text: str, error: tomllib.TOMLDecodeError) -> int:
    """Return the line that tomllib reports."""
    found = re.search(r"at line (\d+)", str(error))
    return int(found.group(1)) if found else text.rstrip("\n").count("\n") + 1


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each statement with the number of the line on which it begins; other lines are left out."""
    line = begin_line = 1
    begin = depth = 0
    for token in _TOKEN.finditer(text):
        shown = token.group()
        line += shown.count("\n")
        if shown in ("[", "{"):
            depth += 1
        elif shown in ("]", "}"):
            depth -= 1
        elif shown == "\n" and depth == 0:
            if statement := _statement(text[begin : token.start()]):
                yield begin_line, statement
            begin, begin_line = token.end(), line
    if statement := _statement(text[begin:]):
        yield begin_line, statement


def _statement(text: str) -> str:
    """Return the statement on these lines, empty if there is only a comment."""
    stripped = text.strip()
    return "" if stripped.startswith("#") else stripped


def _table(header: dict[str, Any]) -> list[str] | None:
    """Return the path of the table that a header opens; None for an array of tables, which has no path."""
    names = []
    inner: Any = header
    while inner and isinstance(inner, dict):
        (name,) = inner
        names.append(name)
        inner = inner[name]
    return None if isinstance(inner, list) else names


def _depth(data: object, path: Sequence[str]) -> int:
    for depth, name in enumerate(path):
        if not isinstance(data, dict) or name not in data:
            return depth
        data = data[name]
    return len(path)
