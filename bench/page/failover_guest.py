# SPDX-License-Identifier: GPL-2.0-only
"""Failover of an SR-IOV pair: tables of losses and gaps, pictures, and in words who does better."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.failover_figures import Leaving, gaps_ms
from bench.guest.names import OF_HYPERV, ON_HV_NETVSC, OURS
from bench.page.contenders import PROJECT, contender
from bench.page.numbers import written
from bench.page.result import Result, Table
from bench.page.svg import bars
from bench.report import quartiles

_OURS = (OURS, ON_HV_NETVSC)
"""With the manager killed: what others are compared with, each on its own synthetic NIC."""
_NOT_A_PEER = ("ours", "bare VF")
_WAYS = {"tx": "guest to peer", "rx": "peer to guest"}
_SHORT = {"tx": "sent", "rx": "received"}
_SAME = 1.25
"""Gaps that differ by less say nothing: they are made of a few packets."""
_SAME_LOSS = 0.99
"""Of what is lost for as long as it is looked at, as many are sent each time, but for so much."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One contender, one kind of failure, one direction: means over its failures."""

    contender: str
    failure: str
    lost: float
    """Packets a failure, of those sent after the border."""
    gap_ms: float | None
    """The median of the longest gaps; None where most failures let nothing more through."""


def figures(result: Result, way: str) -> list[Figures]:
    """Return what was measured in one direction, `tx` or `rx`."""
    return [
        Figures(
            row["contender"],
            f"{'hv_netvsc, ' * (row['contender'] in OF_HYPERV)}{row['failure']}, "
            f"{sum(row['wanted'].values())} packets/s wanted",
            statistics.fmean(one["lost"] - one["before"] for one in row[way]),
            _middle(gaps_ms([Leaving(**one) for one in row[way]])),
        )
        for row in _rows(result)
        if row[way]
    ]


def _middle(gaps: Sequence[float]) -> float | None:
    return statistics.median(gaps) if gaps else None


def pictures(result: Result) -> dict[str, str]:
    """Draw packets lost and gaps, for each direction."""
    drawn = {}
    for way, words in _WAYS.items():
        found = figures(result, way)
        if not found:
            continue
        lost, gaps = _groups(found, lambda one: one.lost), _groups(found, lambda one: one.gap_ms)
        drawn[f"lost-{way}"] = bars(f"Packets lost a failure, {words}: less is better", "", lost)
        drawn[f"gap-{way}"] = bars(f"The longest gap a failure, median, {words}", "ms", gaps)
    return drawn


def losses(result: Result) -> list[str]:
    """Say where a competitor loses fewer packets, or has shorter gaps, than we do without a manager."""
    return [line for way in _WAYS for line, _ in _compared(figures(result, way), way)]


def _compared(found: Sequence[Figures], way: str) -> Iterator[tuple[str, Figures]]:
    ours = {one.failure: one for one in found if one.contender in _OURS}
    for one in found:
        own = ours.get(one.failure)
        if own is None or one.contender.startswith(_NOT_A_PEER):
            continue
        if one.lost < _SAME_LOSS * own.lost:
            line = (
                f"{one.failure}, {_WAYS[way]}: **{one.contender} loses fewer packets**, "
                f"{one.lost:.2g} a failure against {own.lost:.2g} of {PROJECT}"
            )
            yield line, one
        if own.gap_ms is None or one.gap_ms is None:
            continue
        if own.gap_ms > _SAME * one.gap_ms and own.gap_ms - one.gap_ms > 1:
            more = one.lost - own.lost
            line = (
                f"{one.failure}, {_WAYS[way]}: **{one.contender} has shorter gaps**, "
                f"{written(one.gap_ms)} ms against {written(own.gap_ms)} of {PROJECT}"
                + (f", and loses {written(more)} packets more a failure" if more >= 1 else "")
            )
            yield line, one


def short(result: Result) -> list[str]:
    """Say the same in one line for each way in which others do better."""
    lost: dict[str, int] = {}
    gaps: dict[str, int] = {}
    compared = worse = 0
    for way in _WAYS:
        found = figures(result, way)
        ours = {one.failure: one for one in found if one.contender in _OURS}
        compared += len({one.failure for one in found} & set(ours))
        for line, one in _compared(found, way):
            is_gap = "shorter gaps" in line
            counted = gaps if is_gap else lost
            counted[one.contender] = counted.get(one.contender, 0) + 1
            worse += is_gap and one.lost - ours[one.failure].lost >= 1
    lines = []
    if lost:
        lines.append(f"Failover: fewer packets are lost, of {compared} cases, by {_counts(lost)}.")
    if gaps:
        lines.append(
            f"Failover: the stream is interrupted for less time, of {compared} cases, "
            f"by {_counts(gaps)}. They lose more packets in {worse} of these."
        )
    return lines


def _counts(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{name} in {number}" for name, number in counted.items())


def tables(result: Result) -> list[Table]:
    """Return a table for each kind of failure, and one of the returns."""
    rows = _rows(result)
    release = result.raw.get("guest", {}).get("kernel", "")
    labels = ("contender", "level", "manager", "direction", "out/s wanted", "in/s wanted")
    gaps = ("gap, median", "gap, worst")
    columns = (*labels, "packets/s", "failures", "lost", "median", "worst", "before", *gaps)
    found = []
    for failure in dict.fromkeys((_on(row), row["failure"]) for row in rows):
        lines = [_line(row, way) for row in rows if (_on(row), row["failure"]) == failure for way in _WAYS]
        title = (
            f"{''.join(failure)}, Linux {release}: packets lost after the driver reported the failure, "
            "and before it; the longest gap in ms"
        )
        found.append(Table(title, columns, tuple(line for line in lines if line), len(labels)))
    labels = ("contender", "level", "manager", "failure", "out/s wanted", "in/s wanted")
    columns = (*labels, "times", "used again", "sent, lost", "received, lost", "late", "twice", "s")
    found.append(Table("Returns to the VF", columns, tuple(map(_return, rows)), len(labels)))
    return found


def _on(row: Mapping[str, Any]) -> str:
    return "hv_netvsc, " * (row["contender"] in OF_HYPERV)


def _who(row: Mapping[str, Any]) -> tuple[str, str, str]:
    who = contender(row["contender"])
    return who.name, who.level, who.manager


def _wanted(row: Mapping[str, Any]) -> tuple[str, str]:
    return f"{row['wanted']['tx']}", f"{row['wanted']['rx']}"


def _line(row: Mapping[str, Any], way: str) -> tuple[str, ...]:
    leavings = [Leaving(**one) for one in row[way]]
    if not leavings:
        return ()
    after, gaps = [one.after for one in leavings], gaps_ms(leavings)
    shown = (f"{quartiles(gaps)[1]:.2f}", f"{max(gaps):.2f}") if gaps else ("-", "-")
    return (
        *_who(row),
        _SHORT[way],
        *_wanted(row),
        f"{row.get('rates', {}).get(way, 0):.0f}",
        f"{len(leavings)}",
        f"{sum(after)}",
        f"{quartiles(after)[1]:.1f}",
        f"{max(after)}",
        f"{sum(one.before for one in leavings)}",
        *shown,
    )


def _return(row: Mapping[str, Any]) -> tuple[str, ...]:
    out, back = row.get("tx_returns", []), row.get("rx_returns", [])
    counts = (
        len(out),
        sum(one["used_again"] for one in out),
        sum(one["lost"] for one in out),
        sum(one["lost"] for one in back),
        sum(one["reordered"] for one in (*out, *back)),
        sum(one["duplicates"] for one in (*out, *back)),
    )
    took = f"{quartiles([one['seconds'] for one in out])[1]:.2f}" if out else "-"
    return (*_who(row), _on(row) + row["failure"], *_wanted(row), *map(str, counts), took)


def _groups(
    found: Sequence[Figures], value: Callable[[Figures], float | None]
) -> dict[str, dict[str, float]]:
    groups: dict[str, dict[str, float]] = {}
    for one in found:
        if (height := value(one)) is not None:
            groups.setdefault(one.failure, {})[str(contender(one.contender))] = height
    return groups


def _rows(result: Result) -> list[Mapping[str, Any]]:
    return [row for row in result.raw.get("rows", []) if row["tx"]]
