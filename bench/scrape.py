# SPDX-License-Identifier: GPL-2.0-only
"""What a scrape costs: CPU time of the manager and duration with 64 pairs, and the loss of throughput.

The CPU time is that of all threads of `run`, as the scheduler counts it, over many scrapes by one kept
connection, as Prometheus makes them. Throughput is compared within one connection: windows of a second with
a scrape and windows without, in turns, so that whatever else the machine does affects both.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import click

from bench.command import COMMAND, command_line, netvsc_bpf
from bench.report import Report, quartiles
from bench.scraping import Scraper, scrape_costs
from bench.waiting import wait
from netvsc_bpf.datapath.pair_status import status
from netvsc_bpf.lab.namespace import command_in
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path as Way

_PAIRS = 64
_MOST_CPU_MS, _MOST_WALL_MS = 10, 20
_LEAST_RATIO = 0.995


class Exporter:
    """`netvsc-bpf run` in the guest, of any version, and a scraper with a kept connection."""

    def __init__(self, undo: ExitStack, lab: Lab, command: Path = COMMAND) -> None:
        line = command_line(lab, "run", "--any-bus", "--interval", "3600", command=command)
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        undo.callback(netvsc_bpf, lab, "detach", "--all", command=command)
        undo.callback(process.wait)
        undo.callback(process.terminate)

        def on_vf() -> int:
            shown = json.loads(netvsc_bpf(lab, "status", "--json", command=command))
            return sum(pair["path"] == Way.VF for pair in shown)

        wait("all pairs on their VFs", lambda: on_vf() == lab.plan.pairs, pause_s=0.05)
        self.pid = process.pid
        self.scraper = Scraper(lab)
        undo.callback(self.scraper.close)


def cost(report: Report, scrapes: int) -> None:
    """Measure scrapes of many pairs."""
    with ExitStack() as undo:
        lab = undo.enter_context(Lab(LabPlan(pairs=_PAIRS, fabric=Fabric.NONE)))
        exporter = Exporter(undo, lab)
        costs = scrape_costs(exporter.scraper, exporter.pid, scrapes)
    report.table(
        f"one scrape of {_PAIRS} pairs, {costs.size} bytes: quartiles of {scrapes}",
        ("ms", "lower", "median", "upper"),
        [("CPU time of run", *quartiles(costs.cpu_ms)), ("wall clock", *quartiles(costs.wall_ms))],
    )
    report.raw("scrape", asdict(costs))
    report.claim(f"CPU time of a scrape, {_PAIRS} pairs", quartiles(costs.cpu_ms)[1], _MOST_CPU_MS, "ms")
    report.claim(f"wall clock of a scrape, {_PAIRS} pairs", quartiles(costs.wall_ms)[1], _MOST_WALL_MS, "ms")


def traffic(report: Report, rounds: int) -> None:
    """Compare the throughput of a pair with a scrape each second and without."""
    with ExitStack() as undo:
        lab = undo.enter_context(Lab())
        exporter = Exporter(undo, lab)
        address = lab.plan.pair(0).peer_address
        ours = [sys.executable, "-m", "bench.bulk"]
        listen = command_in(lab.peer, [*ours, "receive", address])
        receiver = undo.enter_context(subprocess.Popen(listen, stdout=subprocess.PIPE, text=True))
        undo.callback(receiver.kill)
        assert receiver.stdout is not None
        port = receiver.stdout.readline().strip()
        seconds = 4 * rounds + 5
        send = command_in(lab.guest, [*ours, "send", address, port, str(seconds)])
        sender = undo.enter_context(subprocess.Popen(send))
        undo.callback(sender.kill)
        _window(lab, lambda: None)  # the connection finds its speed
        ratios, rates, scrape = [], [], exporter.scraper.scrape
        for number in range(rounds):
            # Scraped, not, not, scraped: a drift of the machine falls on both.
            turns = [True, False, False, True] if number % 2 else [False, True, True, False]
            found = [(scraped, _window(lab, scrape if scraped else _nothing)) for scraped in turns]
            with_it, without = (
                sum(rate for scraped, rate in found if scraped is which) for which in (True, False)
            )
            ratios.append(with_it / without)
            rates += [8 * rate / 1e9 for scraped, rate in found if not scraped]
    low, ratio, high = quartiles(ratios)
    report.table(
        f"TCP through a pair, a scrape each second over none: {rounds} rounds of 4 s",
        ("", "lower", "median", "upper"),
        [("ratio", f"{low:.4f}", f"{ratio:.4f}", f"{high:.4f}"), ("Gbit/s without", *quartiles(rates))],
    )
    report.raw("ratios", ratios)
    report.claim("throughput, scraped over not", ratio, _LEAST_RATIO, "", at_least=True)


def _nothing() -> None:
    return None


def _window(lab: Lab, at_its_start: Callable[[], object]) -> float:
    """Return the bytes a second that were steered to the VF within a second."""
    before, begin = lab.in_guest(_steered), time.perf_counter()
    at_its_start()
    time.sleep(max(0.0, 1 - (time.perf_counter() - begin)))
    after, end = lab.in_guest(_steered), time.perf_counter()
    return (after - before) / (end - begin)


def _steered() -> int:
    return sum(pair.tx.vf.bytes for pair in status())


@click.command()
@click.option("--scrapes", default=200, show_default=True, help="How many are measured.")
@click.option("--rounds", default=60, show_default=True, help="How often throughput is compared.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(scrapes: int, rounds: int, json_path: Path | None) -> None:
    """Measure what a scrape costs."""
    enter_sandbox()
    report = Report("scrape", json_path)
    cost(report, scrapes)
    traffic(report, rounds)
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
