# SPDX-License-Identifier: GPL-2.0-only
"""Instructions per packet: tables, pictures, and in words who does better."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.page.numbers import written
from bench.page.result import Result, Table
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
    """Say where another arrangement takes fewer instructions."""
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


def short(result: Result) -> list[str]:
    """Say the same in a line for each kind of way."""
    found: dict[str, list[Way]] = {}
    for way in ways(result):
        if _better(way.over_bare(), way.costs):
            found.setdefault(_kind(way), []).append(way)
    return [_line(kind, lost) for kind, lost in found.items()]


def _line(kind: str, lost: Sequence[Way]) -> str:
    ours = [way.over_bare()[OURS] for way in lost]
    others = {name: way.over_bare()[name] for way in lost for name in _better(way.over_bare(), way.costs)}
    theirs = [way.over_bare()[name] for way in lost for name in _better(way.over_bare(), way.costs)]
    most = max(
        way.costs[OURS] / way.costs[name] - 1 for way in lost for name in _better(way.over_bare(), way.costs)
    )
    return (
        f"{kind}: {_range(ours)} instructions a {lost[0].unit} over the bare VF, where {_and(list(others))} "
        f"need{'s' if len(others) == 1 else ''} {_range(theirs)}: up to {most:.0%} more for the whole way."
    )


def _kind(way: Way) -> str:
    parts = _parts(way)
    if parts.direction == _DIRECTIONS["tcp"]:
        return f"A TCP stream received, {parts.queueing}"
    return f"Packets {parts.direction}"


def _range(values: Sequence[float]) -> str:
    least, most = written(min(values)), written(max(values))
    return least if least == most else f"{least} to {most}"


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


_DIRECTIONS = {"tx": "sent", "rx": "received", "tcp": "TCP received"}
_DEVICES = ("e1000e", "hv_netvsc")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a way's name says, in columns of a table."""

    kernel: str
    direction: str
    device: str
    queueing: str
    """The qdisc, or GRO on or off."""


def _parts(way: Way) -> Parts:
    kernel, _, rest = way.name.partition(": ")
    direction, *more = rest.split(", ")
    device = next((one for one in more if one in _DEVICES), "virtual")
    otherwise = "no qdisc" if direction == "tx" else "-"
    queueing = ", ".join(one for one in more if one not in _DEVICES) or otherwise
    return Parts(kernel, _DIRECTIONS.get(direction, direction), device, queueing)


def tables(result: Result) -> list[Table]:
    """Return a table of packets and one of bytes."""
    labels = ("direction", "device", "qdisc or GRO", "arrangement")
    found = []
    for unit in ("packet", "byte"):
        rows = [
            (*_labels(way), name, f"{cost:.2f}", "" if name == BARE else f"{cost - way.costs[BARE]:.2f}")
            for way in ways(result)
            if way.unit == unit
            for name, cost in way.costs.items()
        ]
        if rows:
            kernel = _parts(ways(result)[0]).kernel
            columns = (*labels, f"instructions/{unit}", "over the bare VF")
            found.append(Table(f"Instructions a {unit}, Linux {kernel}", columns, tuple(rows), len(labels)))
    return found


def _labels(way: Way) -> tuple[str, str, str]:
    parts = _parts(way)
    return parts.direction, parts.device, parts.queueing


def remarks(result: Result) -> list[str]:
    """Say in a sentence for each way how netvsc-bpf compares."""
    lines = []
    for way in ways(result):
        over = way.over_bare()
        ours = over[OURS]
        others = [
            f"{name} {written(cost)}"
            + (f" ({OURS} is {ours / cost:.2f} of it)" if cost > 0 and ours > 0 else "")
            for name, cost in over.items()
            if name != OURS
        ]
        lines.append(
            f"{way.name}: {OURS} {written(ours)} a {way.unit} over the bare VF; {', '.join(others)}."
        )
    return lines
