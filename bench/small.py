# SPDX-License-Identifier: GPL-2.0-only
"""Small packets, by TCP request and response and by UDP both ways: a pair, mirred rules, the bare VF.

TCP_RR: one byte there and back, one at a time. UDP: datagrams of 64 bytes, as many as a sender can send;
each is delivered to the receiver's socket within the sender's own call, so its rate is that of the whole
way. All arrangements in turns, in each round; what matters is the ratio within a round. Both ends are
Python, which adds its share to each figure: the arrangements themselves differ by more than the ratios
show.
"""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from bench.report import Report, quartiles
from bench.ways import AGAIN, BARE, MIRRED, OURS, in_turns, ratios
from netvsc_bpf.lab.directions import Direction
from netvsc_bpf.lab.namespace import command_in
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab


@dataclass(frozen=True, slots=True)
class Rate:
    """What a sender got done."""

    per_second: float
    per_cpu_second: float
    """For each second of its own CPU time, kernel included."""


def request_response(lab: Lab, *, seconds: float) -> Rate:
    """Return how many bytes went there and back."""
    pair = lab.plan.pair(0)
    return _between(lab.guest, lab.peer, pair.peer_address, ("ask", "echo"), seconds)


def datagrams(lab: Lab, *, direction: Direction, seconds: float) -> Rate:
    """Return how many datagrams a sender got rid of."""
    pair = lab.plan.pair(0)
    if direction is Direction.TX:
        return _between(lab.guest, lab.peer, pair.peer_address, ("spray", "drain"), seconds)
    return _between(lab.peer, lab.guest, pair.address, ("spray", "drain"), seconds)


def _between(source: str, target: str, address: str, jobs: tuple[str, str], seconds: float) -> Rate:
    active, passive = jobs
    ours = [sys.executable, "-m", "bench.small_ends"]
    listen = command_in(target, [*ours, passive, address])
    with subprocess.Popen(listen, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None
            port = other.stdout.readline().strip()
            send = command_in(source, [*ours, active, address, port, str(seconds)])
            said = subprocess.run(send, check=True, capture_output=True, text=True).stdout
        finally:
            other.kill()
    count, lasted, cpu = map(float, said.split())
    return Rate(count / lasted, count / cpu)


@click.command()
@click.option("--rounds", default=12, show_default=True, help="How often each way is measured.")
@click.option("--seconds", default=1.0, show_default=True, help="How long each sender sends.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(rounds: int, seconds: float, json_path: Path | None) -> None:
    """Compare small packets on each way."""
    enter_sandbox()
    report = Report("small", json_path)
    measures: dict[str, Callable[[Lab], Rate]] = {"TCP_RR": partial(request_response, seconds=seconds)}
    for way in Direction:
        measures[f"UDP {way}"] = partial(datagrams, direction=way, seconds=seconds)
    found = in_turns(rounds, measures)
    by_cpu = "by CPU time"
    columns = ("", "bare VF, 1/s", "pair", "quartiles", by_cpu, "mirred", by_cpu, "bare VF again")
    report.table(
        f"{rounds} rounds of {seconds:g} s, medians; ratios to the bare VF",
        columns,
        [_row(report, name, ways) for name, ways in found.items()],
    )
    sys.exit(report.finish())


def _row(report: Report, name: str, ways: dict[str, list[Rate]]) -> tuple[object, ...]:
    rates = {way: [one.per_second for one in runs] for way, runs in ways.items()}
    by_cpu = {way: [one.per_cpu_second for one in runs] for way, runs in ways.items()}
    low, ratio, high = quartiles(ratios(rates, OURS))
    report.raw(name, rates)
    report.raw(f"{name}, per second of CPU time", by_cpu)
    return (
        name,
        f"{_middle(rates[BARE]):.0f}",
        f"{ratio:.3f}",
        f"{low:.3f} to {high:.3f}",
        f"{_middle(ratios(by_cpu, OURS)):.3f}",
        f"{_middle(ratios(rates, MIRRED)):.3f}",
        f"{_middle(ratios(by_cpu, MIRRED)):.3f}",
        f"{_middle(ratios(rates, AGAIN)):.3f}",
    )


def _middle(values: list[float]) -> float:
    return quartiles(values)[1]


if __name__ == "__main__":
    main()
