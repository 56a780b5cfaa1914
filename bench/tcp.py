# SPDX-License-Identifier: GPL-2.0-only
"""TCP through an attached pair against TCP straight over a VF that has the addresses itself, in turns."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from bench.command import netvsc_bpf
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


def throughput(lab: Lab, direction: Direction, seconds: float) -> float:
    """Return the bits a second of one connection."""
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
            size, took = receiver.stdout.readline().split()
        finally:
            receiver.kill()
    return 8 * int(size) / float(took)


@click.command()
@click.option("--rounds", default=12, show_default=True, help="How often each way is measured.")
@click.option("--seconds", default=2.0, show_default=True, help="How long each connection sends.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(rounds: int, seconds: float, json_path: Path | None) -> None:
    """Compare TCP through a pair with TCP over the VF alone."""
    enter_sandbox()
    report = Report("tcp", json_path)
    rates: dict[Direction, list[list[float]]] = {direction: [] for direction in Direction}
    with ExitStack() as undo:
        labs = [attached_pair(undo), bare_vf(undo), bare_vf(undo)]
        for number in range(rounds):
            for direction in Direction:
                # Each goes first equally often.
                turn = number % len(labs)
                measured = {lab: throughput(lab, direction, seconds) for lab in labs[turn:] + labs[:turn]}
                rates[direction].append([measured[lab] for lab in labs])
    rows = []
    for direction, turns in rates.items():
        low, ratio, high = quartiles([ours / bare for ours, bare, _ in turns])
        control = quartiles([other / bare for _, bare, other in turns])[1]
        ours, bare = (quartiles([turn[i] / 1e9 for turn in turns])[1] for i in range(2))
        rows.append((direction, ours, bare, f"{ratio:.3f}", f"{low:.3f} to {high:.3f}", f"{control:.3f}"))
        report.raw(direction, turns)
        report.claim(f"TCP {direction}, pair over bare VF", ratio, _LEAST_RATIO, "", at_least=True)
    report.table(
        f"TCP, {rounds} rounds of {seconds:g} s, medians",
        ("direction", "pair, Gbit/s", "bare VF, Gbit/s", "ratio", "quartiles", "another bare VF"),
        rows,
    )
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
