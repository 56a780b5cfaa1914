# SPDX-License-Identifier: GPL-2.0-only
"""Ways measured in turns, as ratios to the bare VF; and in words where mirred carries more than ours."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bench.page.result import Result, Table
from bench.page.svg import bars
from bench.report import quartiles
from bench.ways import AGAIN, BARE, MIRRED, OURS, ratios


def pictures(result: Result) -> dict[str, str]:
    """Draw the median ratios to the bare VF."""
    groups = {
        name: {way: quartiles(ratios(rates, way))[1] for way in (OURS, MIRRED, AGAIN)}
        for name, rates in _measures(result).items()
    }
    title = "What each way carries, over the bare VF: more is better"
    return {"ratios": bars(title, "", groups)} if groups else {}


def losses(result: Result) -> list[str]:
    """Say where mirred carried more than ours in three rounds of four."""
    lines = []
    for name, rates in _measures(result).items():
        low, ratio, high = quartiles(ratios(rates, OURS, MIRRED))
        if high < 1:
            lines.append(
                f"{name}: **mirred carries more**; netvsc-bpf reaches {ratio:.3f} of it "
                f"(quartiles {low:.3f} and {high:.3f})"
            )
    return lines


def tables(result: Result) -> list[Table]:
    """Return what was printed; a column whose name occurs twice gets that of the way that it belongs to."""
    return [replace(one, columns=tuple(_columns(one.columns))) for one in result.tables]


def _columns(names: Sequence[str]) -> Iterator[str]:
    way = ""
    for name in names:
        if names.count(name) > 1:
            yield f"{way}, {name}"
            continue
        way = way if name == "quartiles" else name
        yield name


def _measures(result: Result) -> Mapping[str, Mapping[str, list[float]]]:
    ways = {OURS, MIRRED, BARE, AGAIN}
    return {
        name: rates for name, rates in result.raw.items() if isinstance(rates, Mapping) and ways <= set(rates)
    }
