# SPDX-License-Identifier: GPL-2.0-only
"""What the manual pages share: plain text and lists in roff, as man(7) has them."""

import re
import textwrap
from collections.abc import Iterable, Iterator

DATE = "2026-11-30"
"""The date of the last change to the texts in scripts/; help texts and keys change without it."""
WIDTH = 78
WRITTEN = (
    '.\\" SPDX-License-Identifier: GPL-2.0-only',
    '.\\" Written by scripts/manual.py from the code; change that, and run make manual.',
)


def tagged(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield paragraphs that hang behind their tags."""
    for tag, text in pairs:
        yield from (".TP", f".B {escaped(tag)}", *filled(text))


def paragraphs(text: str) -> Iterator[str]:
    """Yield plain text as paragraphs, the first of a section."""
    for number, paragraph in enumerate(text.strip().split("\n\n")):
        if number:
            yield ".PP"
        yield from filled(paragraph)


def filled(text: str) -> list[str]:
    """Return lines that are short enough; what is in `backticks` becomes bold."""
    bold = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", escaped(" ".join(text.split())))
    lines = textwrap.wrap(bold, WIDTH, break_long_words=False, break_on_hyphens=False)
    # A full stop or a quote at the beginning would make a request of the line.
    return [f"\\&{one}" if one.startswith((".", "'")) else one for one in lines]


def escaped(text: str) -> str:
    """Escape what roff takes for its own."""
    return text.replace("\\", "\\e").replace("-", "\\-")
