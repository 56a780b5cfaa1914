# SPDX-License-Identifier: GPL-2.0-only
"""TCP through an attached pair against TCP straight over a VF that has the addresses itself, in turns."""

import subprocess
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from bench.command import netvsc_bpf
from bench.processes import took
from bench.report import Report, quartiles
from netvsc_bpf.lab import wiring
from netvsc_bpf.lab.directions import Direction
from netvsc_bpf.lab.namespace import command_in
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.wiring import with_rtnl

_LEAST_RATIO = 0.95


def attached_pair(undo: ExitStack) -> Lab:
    """Build a lab whose pair is attached, with the VF as its path."""
    lab = undo.enter_context(Lab())
    netvsc_bpf(lab, "attach", "eth0", "--vf", "vf0")
    undo.callback(netvsc_bpf, lab, "detach", "eth0")
    return lab


def bare_vf(undo: ExitStack) -> Lab:
    """Build a lab without us: the VF has the addresses, the synthetic NIC is down."""
    lab = undo.enter_context(Lab())

    def move(rtnl: Any) -> None:
        eth0, vf0 = wiring.index_of(rtnl, "eth0"), wiring.index_of(rtnl, "vf0")
        rtnl.flush_addr(index=eth0)
        wiring.set_up(rtnl, eth0, False)
        wiring.add_address(rtnl, vf0, lab.plan.pair(0).address, 24)

    with_rtnl(lab.guest, move)
    return lab


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
    found: dict[Direction, list[list[Throughput]]] = {direction: [] for direction in Direction}
    with ExitStack() as undo:
        labs = [attached_pair(undo), bare_vf(undo), bare_vf(undo)]
        for number in range(rounds):
            for direction in Direction:
                # Each goes first equally often.
                turn = number % len(labs)
                measured = {lab: throughput(lab, direction, seconds) for lab in labs[turn:] + labs[:turn]}
                found[direction].append([measured[lab] for lab in labs])
    report.table(
        f"TCP, {rounds} rounds of {seconds:g} s, medians",
        ("direction", "pair, Gbit/s", "bare VF, Gbit/s", "ratio", "quartiles", "per CPU time", "bare/bare"),
        [_row(report, direction, turns) for direction, turns in found.items()],
    )
    sys.exit(report.finish())


def _row(report: Report, direction: Direction, turns: list[list[Throughput]]) -> tuple[object, ...]:
    low, ratio, high = quartiles([pair.per_second / bare.per_second for pair, bare, _ in turns])
    by_cpu = quartiles([pair.per_cpu_second / bare.per_cpu_second for pair, bare, _ in turns])[1]
    control = quartiles([other.per_second / bare.per_second for _, bare, other in turns])[1]
    rates = (quartiles([turn[i].per_second / 1e9 for turn in turns])[1] for i in range(2))
    report.raw(direction, [[asdict(one) for one in turn] for turn in turns])
    report.claim(f"TCP {direction}, pair over bare VF", ratio, _LEAST_RATIO, "", at_least=True)
    quarters = f"{low:.3f} to {high:.3f}"
    return (direction, *rates, f"{ratio:.3f}", quarters, f"{by_cpu:.3f}", f"{control:.3f}")


if __name__ == "__main__":
    main()
