# SPDX-License-Identifier: GPL-2.0-only
"""Failover of a true SR-IOV pair: packets lost and gaps drawn, and in words who does better than we do."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.failover_figures import Leaving, gaps_ms
from bench.guest.names import OF_HYPERV, ON_HV_NETVSC, OURS
from bench.page.numbers import written
from bench.page.result import Result
from bench.page.svg import bars

_OURS = (OURS, ON_HV_NETVSC)
"""With nobody in userspace: the one that others are held against, each on its own synthetic NIC."""
_NOT_A_PEER = ("ours", "bare VF")
_WAYS = {"tx": "guest to peer", "rx": "peer to guest"}
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
    """Say where somebody else loses fewer packets or has shorter gaps than ours with nobody in userspace."""
    return [line for way in _WAYS for line in _losses(figures(result, way), way)]


def _losses(found: Sequence[Figures], way: str) -> Iterator[str]:
    ours = {one.failure: one for one in found if one.contender in _OURS}
    for one in found:
        own = ours.get(one.failure)
        if own is None or one.contender.startswith(_NOT_A_PEER):
            continue
        if one.lost < _SAME_LOSS * own.lost:
            yield (
                f"{one.failure}, {_WAYS[way]}: **{one.contender} loses fewer packets**, "
                f"{one.lost:.2g} a failure against {own.lost:.2g} of ours"
            )
        if own.gap_ms is None or one.gap_ms is None:
            continue
        if own.gap_ms > _SAME * one.gap_ms and own.gap_ms - one.gap_ms > 1:
            more = one.lost - own.lost
            yield (
                f"{one.failure}, {_WAYS[way]}: **{one.contender} has shorter gaps**, "
                f"{written(one.gap_ms)} ms against {written(own.gap_ms)} of ours"
                + (f", and loses {written(more)} packets more a failure" if more >= 1 else "")
            )


def _groups(
    found: Sequence[Figures], value: Callable[[Figures], float | None]
) -> dict[str, dict[str, float]]:
    groups: dict[str, dict[str, float]] = {}
    for one in found:
        if (height := value(one)) is not None:
            groups.setdefault(one.failure, {})[one.contender] = height
    return groups


def _rows(result: Result) -> list[Mapping[str, Any]]:
    return [row for row in result.raw.get("rows", []) if row["tx"]]
