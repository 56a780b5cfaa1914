# SPDX-License-Identifier: GPL-2.0-only
"""A day of flapping through the damper, in simulated time: how often the VF is used, and a picture of it.

`make bench-damping` prints the figures; `python -m bench.damping docs/pictures/damping.svg` draws them. The
same input gives the same bytes: a test compares. No kernel is involved. docs/damping.md shows the picture.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

from bench.report import Report
from netvsc_bpf.planner.damping import Damper, DampingPolicy

DAY_S = 86_400.0
PERIOD_S = 4.0
"""900 flaps an hour: down for half of it, up for the other half."""
SETTLE_S = 0.1
_SAMPLE_S = 300.0
_MOST = 5


@dataclass
class Day:
    """What became of one VF: its penalty over time, and when it was used."""

    title: str
    penalty: list[tuple[float, float]] = field(default_factory=list)
    promotions: list[float] = field(default_factory=list)

    def note(self, damper: Damper, now: float) -> None:
        """Add a point to the curve."""
        self.penalty.append((now, damper.decayed(now).figure))


def flaps_always(policy: DampingPolicy) -> Day:
    """Its carrier comes and goes, used or not. Failures count while it is damped, too."""
    day, damper, sampled = Day("its carrier flaps 900 times an hour, used or not"), Damper(policy), 0.0
    day.note(damper, 0.0)
    now = 0.0
    while now < DAY_S:
        damper = damper.decayed(now)
        if not damper.suppressed:
            day.promotions.append(now + SETTLE_S)
        fails = now + PERIOD_S / 2
        if not damper.suppressed or now - sampled >= _SAMPLE_S:
            sampled = now
            day.note(damper, fails)
            day.note(damper.failed(fails), fails)
        damper = damper.failed(fails)
        now += PERIOD_S
    day.note(damper, DAY_S)
    return day


def fails_in_use(policy: DampingPolicy) -> Day:
    """It looks well and fails two seconds after it is used, each time."""
    day, damper = Day("it fails two seconds after each time that it is used"), Damper(policy)
    day.note(damper, 0.0)
    now = 0.0
    while now < DAY_S:
        wait = damper.reuse_in_s(now)
        if wait is not None:
            for step in range(1, int(wait // _SAMPLE_S) + 1):
                day.note(damper, min(DAY_S, now + step * _SAMPLE_S))
            now += wait
            if now >= DAY_S:
                break
            damper = damper.decayed(now + 1e-6)  # the very moment of reuse is a matter of rounding
        day.promotions.append(now + SETTLE_S)
        now += PERIOD_S / 2
        day.note(damper, now)
        damper = damper.failed(now)
        day.note(damper, now)
        now += PERIOD_S / 2
    day.note(damper, DAY_S)
    return day


def days(policy: DampingPolicy | None = None) -> tuple[Day, Day]:
    """Return both days."""
    policy = policy or DampingPolicy()
    return flaps_always(policy), fails_in_use(policy)


_WIDTH, _PANEL, _LEFT, _RIGHT, _TOP = 900, 200, 62, 120, 34
_STYLE = """\
text { font: 12px sans-serif; fill: #444 } .title { font-weight: bold }
.axis { stroke: #999; fill: none }
.limit { stroke-dasharray: 5 4; fill: none } .suppress { stroke: #c0392b } .reuse { stroke: #27865a }
.ceiling { stroke: #888 } .penalty { stroke: #2463a8; stroke-width: 1.5; fill: none }
.used { stroke: #e08a00; stroke-width: 1.5 }"""


def picture(policy: DampingPolicy | None = None) -> str:
    """Return both days as an SVG image."""
    policy = policy or DampingPolicy()
    height = 2 * (_PANEL + _TOP + 40)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<!-- SPDX-License-Identifier: GPL-2.0-only; drawn by bench/damping.py -->",
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        "<title>Penalty and promotions of a flapping VF over a day</title>",
        f"<style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for number, day in enumerate(days(policy)):
        lines += _panel(day, policy, number * height // 2 + _TOP)
    return "\n".join([*lines, "</svg>", ""])


def _panel(day: Day, policy: DampingPolicy, top: int) -> Iterator[str]:
    highest = policy.ceiling * 1.08
    bottom, end = top + _PANEL, _WIDTH - _RIGHT

    def x(at: float) -> float:
        return round(_LEFT + (end - _LEFT) * at / DAY_S, 1)

    def y(figure: float) -> float:
        return round(bottom - _PANEL * figure / highest, 1)

    used = f"used {len(day.promotions)} times"
    yield f'<text class="title" x="{_LEFT}" y="{top - 12}">{day.title}: {used}</text>'
    for name in ("ceiling", "suppress", "reuse"):
        level = y(getattr(policy, name))
        yield f'<path class="limit {name}" d="M{_LEFT} {level}H{end}"/>'
        yield f'<text x="{end + 6}" y="{level + 4}">{name} {getattr(policy, name):g}</text>'
    points = " ".join(f"{x(at)},{y(figure)}" for at, figure in day.penalty)
    yield f'<polyline class="penalty" points="{points}"/>'
    yield f'<path class="axis" d="M{_LEFT} {top}V{bottom}H{end}"/>'
    for at in day.promotions:
        yield f'<path class="used" d="M{x(at)} {bottom}v-14"/>'
    yield f'<text x="{_LEFT - 8}" y="{top + 10}" text-anchor="end">penalty</text>'
    yield f'<text x="{_LEFT - 8}" y="{bottom}" text-anchor="end">used</text>'
    for hour in range(0, 25, 4):
        yield f'<text x="{x(hour * 3600)}" y="{bottom + 18}" text-anchor="middle">{hour} h</text>'


@click.command()
@click.argument("drawings", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(drawings: tuple[Path, ...], json_path: Path | None) -> None:
    """Print the figures, and draw them into each of DRAWINGS."""
    report = Report("damping", json_path)
    hours = int(DAY_S // 3600)
    rows = []
    for day in days():
        by_hour = [sum(3600 * one <= at < 3600 * (one + 1) for at in day.promotions) for one in range(hours)]
        rows.append(
            (day.title, len(day.promotions), by_hour[0], max(by_hour[1:]), f"{day.promotions[-1]:.0f}")
        )
        report.raw(day.title, day.promotions)
        report.claim(f"{day.title}: promotions in an hour after the first", max(by_hour[1:]), _MOST, "")
    columns = ("a VF, over 24 h", "used", "in the first hour", "worst hour after it", "last after, s")
    report.table("simulated time, the default policy", columns, rows)
    for path in drawings:
        path.write_text(picture(), encoding="utf-8")
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
