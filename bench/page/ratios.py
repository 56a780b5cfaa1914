# SPDX-License-Identifier: GPL-2.0-only
"""Ways measured in turns, as ratios to the bare VF; and in words where mirred carries more than ours."""

from collections.abc import Mapping

from bench.page.result import Result
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
    told = []
    for name, rates in _measures(result).items():
        low, ratio, high = quartiles(ratios(rates, OURS, MIRRED))
        if high < 1:
            told.append(
                f"{name}: **mirred carries more**; netvsc-bpf reaches {ratio:.3f} of it "
                f"(quartiles {low:.3f} and {high:.3f})"
            )
    return told


def _measures(result: Result) -> Mapping[str, Mapping[str, list[float]]]:
    ways = {OURS, MIRRED, BARE, AGAIN}
    return {
        name: rates for name, rates in result.raw.items() if isinstance(rates, Mapping) and ways <= set(rates)
    }
