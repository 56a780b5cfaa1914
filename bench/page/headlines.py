# SPDX-License-Identifier: GPL-2.0-only
"""The five claims of docs/benchmarks.md, each with its number and picture, from the raw numbers. Pure."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.guest import names
from bench.page.benchmark_page import PICTURES, name
from bench.page.contenders import PROJECT
from bench.page.numbers import written
from bench.page.path import BARE
from bench.page.result import Result
from bench.page.svg import bars
from bench.report import quartiles


@dataclass(frozen=True, slots=True)
class Headline:
    """One claim."""

    title: str
    sentence: str
    picture: str
    """Path of the picture below docs/."""
    drawn: str
    page: str
    """Path of the page with the details, below docs/."""


def headlines(results: Sequence[Result]) -> list[Headline]:
    """Return the claims for which there are results."""
    by_file = {one.file: one for one in results}
    found = []
    for file, claim in _CLAIMS.items():
        if file in by_file:
            result = by_file[file]
            title, sentence, drawn = claim(result)
            picture = PICTURES.format(file="summary", name=file)
            found.append(Headline(title, sentence, picture, drawn, name(result)))
    return found


_Claim = tuple[str, str, str]
_PEERS = {
    names.OURS: PROJECT,
    names.BONDING_TUNED: names.BONDING_TUNED,
    names.BONDING: names.BONDING,
    names.TEAM: names.TEAM,
    names.NET_FAILOVER: names.NET_FAILOVER,
}
_RATE = {"tx": 2500, "rx": 2500}
"""Packets a second, each way: the load under which everything was measured."""


def _failover(result: Result) -> _Claim:
    """Packets lost a failure, both directions together, over the kinds of failure of each."""
    lost: dict[str, float] = {}
    failures = kinds = 0
    for contender, shown in _PEERS.items():
        rows = [
            row
            for row in result.raw["rows"]
            if row["contender"] == contender and row["tx"] and row["wanted"] == _RATE
        ]
        after = [
            out["lost"] - out["before"] + back["lost"] - back["before"]
            for row in rows
            for out, back in zip(row["tx"], row["rx"], strict=True)
        ]
        if after:
            lost[shown] = statistics.fmean(after)
        if contender == names.OURS:
            failures, kinds = len(after), len(rows)
    others = "; ".join(f"{shown}: {written(value)}" for shown, value in lost.items() if shown != PROJECT)
    total = f"{_RATE['tx'] + _RATE['rx']:,}"
    return (
        f"Failover: {written(lost[PROJECT])} packets lost",
        f"A real SR-IOV driver, {failures} failures of {kinds} kinds, {total} packets a second, the manager "
        f"killed: netvsc-bpf lost **{written(lost[PROJECT])} packets** a failure, counted from the moment "
        f"when the driver reported it. The others: {others}.",
        bars("Packets lost a failure, both directions: less is better", "", {"": lost}),
    )


def _path(result: Result) -> _Claim:
    """Instructions a packet over the bare VF, with a hardware driver; sent, with Debian's default qdisc."""
    ways = {"sent": "6.12: tx, e1000e, fq_codel", "received": "6.12: rx, e1000e"}
    groups = {shown: _over_bare(result.raw[way]) for shown, way in ways.items()}
    sent, received = groups["sent"], groups["received"]
    return (
        f"Cost per packet: {written(sent[PROJECT])} instructions sent, {written(received[PROJECT])} received",
        f"More than the VF alone, which takes {written(_bare(result.raw[ways['sent']]))} and "
        f"{written(_bare(result.raw[ways['received']]))}. Sending costs "
        f"**{sent[PROJECT] / sent['bonding']:.2f} of bonding's overhead**; receiving costs more than bonding "
        f"does ({written(received['bonding'])}), see below.",
        bars("Instructions a packet over the bare VF (e1000e, fq_codel): less is better", "", groups),
    )


def _over_bare(costs: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {one: quartiles(values)[1] - _bare(costs) for one, values in costs.items() if one != BARE}


def _bare(costs: Mapping[str, Sequence[float]]) -> float:
    return quartiles(costs[BARE])[1]


def _control(result: Result) -> _Claim:
    """Wall clock of whole commands."""
    seconds = {
        one: statistics.median(run["wall"] for run in runs) for one, runs in result.raw["seconds"].items()
    }
    shown = {one: 1e3 * seconds[one] for one in _COMMANDS}
    return (
        f"Control plane: attached in {written(shown['attach, cold'])} ms",
        f"`attach` loads its programs and waits for the settle time of 100 ms: "
        f"**{written(shown['attach, cold'])} ms**; the first one on a machine, which compiles them, takes "
        f"{written(shown[_COMPILES])} ms. Attaching 64 pairs takes "
        f"{written(seconds['attach --all, 64 pairs'])} s, `status` {written(shown['status, 1 pair'])} ms.",
        bars("Wall clock of whole commands", "ms", {"": shown}),
    )


_COMPILES = "attach, nothing compiled"
_COMMANDS = (_COMPILES, "attach, cold", "attach again", "status, 1 pair", "status, 64 pairs", "detach")


def _memory(result: Result) -> _Claim:
    """Resident memory of an idle manager, and its CPU time."""
    resident = {pairs: one["rss"] for pairs, one in result.raw.items()}
    shown = {pairs.replace("1 pairs", "1 pair"): value for pairs, value in resident.items()}
    cpu = {one.what: one.measured for one in result.limits}
    least, most = resident["1 pairs"], resident["256 pairs"]
    return (
        f"Memory: {written(least)} MB",
        f"A manager of one pair has **{written(least)} MB** resident and takes "
        f"{written(cpu['1 pairs, CPU'])}% of a CPU when nothing happens; with 256 pairs it is "
        f"{written(most)} MB and {written(cpu['256 pairs, CPU'])}%. Without a manager nothing runs.",
        bars("Resident memory of the manager", "MB", {"": shown}),
    )


def _recovery(result: Result) -> _Claim:
    """From the registration of a VF that is plugged in to the first packet that takes it."""
    times = sorted(result.raw["registered_ms"])
    middle, late = quartiles(times)[1], times[round(0.99 * (len(times) - 1))]
    shown = {"settle time": 100.0, "median": middle, "99th percentile": late, "worst": times[-1]}
    return (
        f"Recovery: a new VF is used after {written(middle)} ms",
        f"{len(times)} VFs were plugged in under a running manager: the first packet took the VF "
        f"**{written(middle)} ms** after the kernel registered it, at the 99th percentile "
        f"{written(late)} ms; 100 ms of this are the settle time. A VF that only went down and up needs no "
        "manager.",
        bars("From the registration of a VF to the first packet by it", "ms", {"": shown}),
    )


_CLAIMS: Mapping[str, Callable[[Result], _Claim]] = {
    "failover-guest": _failover,
    "path": _path,
    "attach": _control,
    "idle": _memory,
    "join": _recovery,
}
