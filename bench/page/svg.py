# SPDX-License-Identifier: GPL-2.0-only
"""Charts as SVG, with no library: the same numbers give the same bytes, so that a test can compare. Pure."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 900
_PANEL, _LEFT, _RIGHT, _TOP, _BOTTOM = 220, 70, 250, 40, 44
_FEW = 12
"""Points of a curve that are marked as well."""
_BAR, _GAP, _NAMES = 18, 14, 240
_COLOURS = ("#2463a8", "#e08a00", "#27865a", "#c0392b", "#7d4ea8", "#666")
_STYLE = """\
text { font: 12px sans-serif; fill: #444 } .title { font-weight: bold }
.axis { stroke: #999; fill: none } .grid { stroke: #ddd; fill: none }"""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """What it shows, and how."""

    title: str
    log: bool = False
    at: tuple[float, ...] = ()
    """Where it is divided; by default at round values."""

    def place(self, value: float, low: float, high: float) -> float:
        """Return where a value lies, from 0 to 1."""
        if self.log:
            value, low, high = (math.log(max(one, 1e-12)) for one in (value, low, high))
        return (value - low) / (high - low) if high > low else 0.5

    def ticks(self, low: float, high: float) -> list[float]:
        """Return the values from low to high that are written beside it."""
        if self.at:
            return [one for one in self.at if low <= one <= high]
        if self.log:
            first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
            return [10.0**one for one in range(first, last + 1) if low <= 10.0**one <= high]
        step = 10.0 ** math.floor(math.log10((high - low) / 2)) if high > low else 1.0
        step *= next(one for one in (1, 2, 5, 10) if (high - low) / (step * one) <= 6)
        return [step * one for one in range(math.ceil(low / step), math.floor(high / step + 1e-9) + 1)]


def lines(title: str, x: Axis, y: Axis, series: Mapping[str, Sequence[Point]]) -> str:
    """Draw a line for each series."""
    points = [point for one in series.values() for point in one]
    (x0, x1), (y0, y1) = (
        _reach(values, axis) for values, axis in zip(zip(*points, strict=True), (x, y), strict=True)
    )
    end, bottom = WIDTH - _RIGHT, _TOP + _PANEL

    def across(value: float) -> float:
        return round(_LEFT + (end - _LEFT) * x.place(value, x0, x1), 1)

    def up(value: float) -> float:
        return round(bottom - _PANEL * y.place(value, y0, y1), 1)

    def parts() -> Iterator[str]:
        for tick in y.ticks(y0, y1):
            yield f'<path class="grid" d="M{_LEFT} {up(tick)}H{end}"/>'
            yield f'<text x="{_LEFT - 8}" y="{up(tick) + 4}" text-anchor="end">{tick:g}</text>'
        for tick in x.ticks(x0, x1):
            yield f'<path class="grid" d="M{across(tick)} {_TOP}V{bottom}"/>'
            yield f'<text x="{across(tick)}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>'
        yield f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{end}"/>'
        yield f'<text x="{end}" y="{bottom + 36}" text-anchor="end">{escape(x.title)}</text>'
        yield f'<text x="{_LEFT}" y="{_TOP - 6}">{escape(y.title)}</text>'
        for number, (name, curve) in enumerate(series.items()):
            colour = _COLOURS[number % len(_COLOURS)]
            drawn = " ".join(f"{across(a)},{up(b)}" for a, b in curve)
            yield f'<polyline fill="none" stroke="{colour}" stroke-width="1.6" points="{drawn}"/>'
            for a, b in curve if len(curve) <= _FEW else ():
                yield f'<circle fill="{colour}" cx="{across(a)}" cy="{up(b)}" r="3"/>'
            level = _TOP + 14 + 18 * number
            yield f'<path stroke="{colour}" stroke-width="3" d="M{end + 14} {level - 4}h18"/>'
            yield f'<text x="{end + 38}" y="{level}">{escape(name)}</text>'

    return _image(title, bottom + _BOTTOM, parts())


def bars(title: str, unit: str, groups: Mapping[str, Mapping[str, float]]) -> str:
    """Draw horizontal bars in groups; a name has the same colour in each group."""
    highest = max((value for group in groups.values() for value in group.values()), default=0.0) or 1.0
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    end = WIDTH - 100
    height = _TOP + sum(_BAR * (len(group) + 1) + _GAP for group in groups.values())

    def parts() -> Iterator[str]:
        level = _TOP
        for heading, group in groups.items():
            yield f'<text class="title" x="8" y="{level + 13}">{escape(heading)}</text>'
            level += _BAR
            for name, value in group.items():
                wide = round((end - _NAMES) * max(0.0, value) / highest, 1)
                colour = _COLOURS[names.index(name) % len(_COLOURS)]
                yield f'<text x="{_NAMES - 8}" y="{level + 13}" text-anchor="end">{escape(name)}</text>'
                yield f'<path fill="{colour}" d="M{_NAMES} {level + 2}h{wide}v{_BAR - 4}h-{wide}z"/>'
                yield f'<text x="{_NAMES + 6 + wide}" y="{level + 13}">{value:,.4g} {escape(unit)}</text>'
                level += _BAR
            level += _GAP

    return _image(title, height, parts())


def shares(values: Iterable[float]) -> list[Point]:
    """Return the curve that says which share (in %) of the values is at most so much."""
    ordered = sorted(values)
    return [(value, 100 * (number + 1) / len(ordered)) for number, value in enumerate(ordered)]


def _reach(values: Sequence[float], axis: Axis) -> tuple[float, float]:
    if axis.log:
        positive = [value for value in values if value > 0]
        return min(positive), max(positive)
    return min(0.0, *values), max(values)


def _image(title: str, height: int, parts: Iterable[str]) -> str:
    head = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<!-- SPDX-License-Identifier: GPL-2.0-only; drawn by bench/page -->",
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text class="title" x="8" y="18">{escape(title)}</text>',
    ]
    return "\n".join([*head, *parts, "</svg>", ""])
