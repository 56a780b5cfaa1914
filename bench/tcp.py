# SPDX-License-Identifier: GPL-2.0-only
"""TCP through an attached pair, through mirred rules, and straight over a VF that has the addresses itself.

One connection at a time, which transfers as much as it can; all arrangements in turns, in each round. What
matters is the ratio within a round; a second bare VF shows how much the machine itself varies.
"""

import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from bench.processes import took
from bench.report import Report, quartiles
from bench.ways import AGAIN, BARE, MIRRED, OURS, in_turns, ratios
from netvsc_bpf.lab.directions import Direction
from netvsc_bpf.lab.namespace import command_in
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab

_LEAST_RATIO = 0.95


@dataclass(frozen=True, slots=True)
class Throughput:
    """What one connection carried."""

    per_second: float
    """Bits."""
    per_cpu_second: float
    """Bits for each second of CPU time of both its ends, kernel included."""


def throughput(lab: Lab, direction: Direction, seconds: float) -> Throughput:
    """Measure one connection."""
    (size, lasted), cost = took(lambda: _transfer(lab, direction, seconds))
    return Throughput(8 * size / lasted, 8 * size / cost.cpu)


def _transfer(lab: Lab, direction: Direction, seconds: float) -> tuple[int, float]:
    pair = lab.plan.pair(0)
    if direction is Direction.TX:
        source, target, address = lab.guest, lab.peer, pair.peer_address
    else:
        source, target, address = lab.peer, lab.guest, pair.address
    ours = [sys.executable, "-m", "bench.bulk"]
    listen = command_in(target, [*ours, "receive", address])
    with subprocess.Popen(listen, stdout=subprocess.PIPE, text=True) as receiver:
        try:
            assert receiver.stdout is not None
            port = receiver.stdout.readline().strip()
            subprocess.run(command_in(source, [*ours, "send", address, port, str(seconds)]), check=True)
            size, lasted = receiver.stdout.readline().split()
        except BaseException:
            receiver.kill()
            raise
    return int(size), float(lasted)


@click.command()
@click.option("--rounds", default=12, show_default=True, help="How often each way is measured.")
@click.option("--seconds", default=2.0, show_default=True, help="How long each connection sends.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(rounds: int, seconds: float, json_path: Path | None) -> None:
    """Compare TCP through a pair with TCP over the VF alone."""
    enter_sandbox()
    report = Report("tcp", json_path)
    measures = {str(way): partial(throughput, direction=way, seconds=seconds) for way in Direction}
    found = in_turns(rounds, measures)
    report.table(
        f"TCP, {rounds} rounds of {seconds:g} s, medians; ratios to the bare VF",
        (
            "direction",
            "pair, Gbit/s",
            "bare VF, Gbit/s",
            "pair",
            "quartiles",
            "per CPU time",
            "mirred",
            "bare VF again",
        ),
        [_row(report, direction, ways) for direction, ways in found.items()],
    )
    sys.exit(report.finish())


def _row(report: Report, direction: str, ways: dict[str, list[Throughput]]) -> tuple[object, ...]:
    rates = {way: [one.per_second for one in runs] for way, runs in ways.items()}
    by_cpu = {way: [one.per_cpu_second for one in runs] for way, runs in ways.items()}
    low, ratio, high = quartiles(ratios(rates, OURS))
    others = (_middle(ratios(rates, way)) for way in (MIRRED, AGAIN))
    report.raw(f"TCP {direction}", rates)
    report.raw(f"TCP {direction}, per second of CPU time", by_cpu)
    report.claim(f"TCP {direction}, pair over bare VF", ratio, _LEAST_RATIO, "", at_least=True)
    return (
        direction,
        *(_middle(rates[way]) / 1e9 for way in (OURS, BARE)),
        f"{ratio:.3f}",
        f"{low:.3f} to {high:.3f}",
        f"{_middle(ratios(by_cpu, OURS)):.3f}",
        *(f"{one:.3f}" for one in others),
    )


def _middle(values: list[float]) -> float:
    return quartiles(values)[1]


if __name__ == "__main__":
    main()
