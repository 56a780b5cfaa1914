# SPDX-License-Identifier: GPL-2.0-only
"""Instructions per packet: a picture, and in words who does better than we do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.page.numbers import written
from bench.page.result import Result
from bench.page.svg import bars
from bench.report import quartiles

OURS, BARE = "netvsc-bpf", "bare VF"
_SAME = 1.005
"""The figures repeat to about 0.1%; less than this is no difference."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of a packet, with the median cost of each arrangement."""

    name: str
    unit: str
    costs: Mapping[str, float]

    def over_bare(self) -> dict[str, float]:
        """Return what each arrangement takes more than the bare VF."""
        return {name: cost - self.costs[BARE] for name, cost in self.costs.items() if name != BARE}


def ways(result: Result) -> list[Way]:
    """Return every way in the raw numbers; its name begins with the kernel's version."""
    found = []
    for name, costs in result.raw.items():
        if isinstance(costs, Mapping) and {OURS, BARE} <= set(costs):
            unit = "byte" if "tcp" in name else "packet"
            found.append(Way(name, unit, {one: quartiles(values)[1] for one, values in costs.items()}))
    return found


def pictures(result: Result) -> dict[str, str]:
    """Draw what each arrangement takes more than the bare VF, packets and bytes apart."""
    drawn = {}
    for unit in ("packet", "byte"):
        groups = {way.name: way.over_bare() for way in ways(result) if way.unit == unit}
        if groups:
            title = f"Instructions per {unit} over the bare VF: less is better"
            drawn[f"{unit}s"] = bars(title, "", groups)
    return drawn


def losses(result: Result) -> list[str]:
    """Say where another arrangement takes fewer instructions than ours."""
    return [line for way in ways(result) for line in _losses(way)]


def _losses(way: Way) -> Iterator[str]:
    over = way.over_bare()
    for name in _better(over, way.costs):
        yield (
            f"{way.name}: **{name} takes fewer instructions** than netvsc-bpf, {written(over[name])} "
            f"a {way.unit} over the bare VF against {written(over[OURS])} "
            f"({written(over[OURS] - over[name])} more, "
            f"{way.costs[OURS] / way.costs[name] - 1:.1%} of the whole way)"
        )


def _better(over: Mapping[str, float], costs: Mapping[str, float]) -> Sequence[str]:
    return [name for name in over if name != OURS and costs[OURS] > _SAME * costs[name]]


def remarks(result: Result) -> list[str]:
    """Say in a sentence for each way how ours compares."""
    told = []
    for way in ways(result):
        over = way.over_bare()
        ours = over[OURS]
        others = [
            f"{name} {written(cost)}"
            + (f" (ours is {ours / cost:.2f} of it)" if cost > 0 and ours > 0 else "")
            for name, cost in over.items()
            if name != OURS
        ]
        told.append(f"{way.name}: ours {written(ours)} a {way.unit} over the bare VF; {', '.join(others)}.")
    return told
