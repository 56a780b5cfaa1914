# SPDX-License-Identifier: GPL-2.0-only
"""The type of command-line options that take a duration with a unit."""

import re
from typing import Any

import click

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)", re.ASCII)


class Duration(click.types.FloatParamType):
    """A duration as `90`, `90s`, `15m`, `2h` or `1d`, within limits in seconds; the value is seconds."""

    def __init__(self, least: float, most: float) -> None:
        self._least, self._most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """See click.ParamType."""
        if isinstance(value, float):
            return value
        found = _DURATION.fullmatch(value)
        if found is None:
            self.fail(
                f"{value!r} is not a duration: use a number with s, m, h or d, such as 15m.", param, ctx
            )
        seconds = float(found[1]) * _UNITS[found[2]]
        if not self._least <= seconds <= self._most:
            self.fail(
                f"{value!r} is not between {self._least:g} s and {self._most / 86_400:g} d.", param, ctx
            )
        return seconds
