# SPDX-License-Identifier: GPL-2.0-only
"""The meaning and limits of a setting.

A dataclass field that is annotated with a Setting is a key of the configuration file, and a row of its
reference page::

    half_life_s: Annotated[float, Setting("The time in which the penalty halves.", above=0)] = 1800.0
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from netvsc_bpf.model.errors import Refused

MOST_BYTES = 127
"""Of the name of an interface: ALTIFNAMSIZ of linux/if.h without its final zero."""
INTERFACE_NAME = r"(?:\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|[^\s/]){1,127}"
"""dev_valid_name() in net/core/dev.c; IFNAMSIZ is 16 with its final zero, ALTIFNAMSIZ 128.

Unprintable characters are escaped (names.shown(), names.read_back()).
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """The meaning of a setting, for the reference page, and its limits; units are in the field's name."""

    text: str
    least: float | None = None
    most: float | None = None
    above: float | None = None
    """It has to be greater than this."""
    pattern: str | None = None
    """The whole string has to match it."""
    shape: str = "of another form"
    """A description of `pattern`, for errors."""
    most_entries: int | None = None
    """Of a list, which must have one entry at least if this is set."""
    parse: Callable[[str], Any] | None = None
    """Converts a string to the field's value, for custom types; raises Refused if it cannot."""
    live: bool = True
    """A running manager applies a change on reload; otherwise it reports that a restart is needed."""

    def why_out_of_range(self, number: float) -> str | None:
        """Return why this number is out of range, None if it is not."""
        if self.above is not None and not number > self.above:
            return f"must be greater than {_plain(self.above)}"
        if self.least is not None and not number >= self.least:
            return f"must be at least {_plain(self.least)}"
        if self.most is not None and not number <= self.most:
            return f"must be at most {_plain(self.most)}"
        return None

    def why_wrong_number(self, entries: int) -> str | None:
        """Return why a list must not have so many entries, None if it may."""
        if self.most_entries is None or 0 < entries <= self.most_entries:
            return None
        return f"must have 1 to {self.most_entries} entries"

    def why_invalid_text(self, word: str) -> str | None:
        """Return why this string is invalid, None if it is valid."""
        if not word or not word.isprintable():
            return "must not be empty or have control characters"
        if self.pattern is not None and re.fullmatch(self.pattern, word) is None:
            return f"must be {self.shape}"
        return None

    @property
    def limits(self) -> str:
        """The range in words, empty if there is none."""
        parts = []
        if self.above is not None:
            parts.append(f"more than {_plain(self.above)}")
        if self.least is not None:
            parts.append(f"at least {_plain(self.least)}")
        if self.most is not None:
            parts.append(f"at most {_plain(self.most)}")
        return ", ".join(parts)


def _plain(number: float) -> str:
    return f"{number:f}".rstrip("0").rstrip(".")


class Contradiction(Refused):
    """Settings that contradict each other. ``fields`` are the names of the fields."""

    def __init__(self, what: str, why: str, remedy: str | None = None, *, fields: tuple[str, ...]) -> None:
        super().__init__(what, why, remedy)
        self.fields = fields
