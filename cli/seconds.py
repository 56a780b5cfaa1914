# SPDX-License-Identifier: GPL-2.0-only
"""The type of command-line options that take a time in seconds."""

import math
from typing import Any

import click


class Seconds(click.FloatRange):
    """A number of seconds within limits. click's own type takes `inf`, and `nan`, which passes any limit."""

    def __init__(self, least: float, most: float) -> None:
        super().__init__(min=least, max=most)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """See click.ParamType."""
        number = click.FLOAT.convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        in_range: float = super().convert(value, param, ctx)
        return in_range
