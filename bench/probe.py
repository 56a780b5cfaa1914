# SPDX-License-Identifier: GPL-2.0-only
"""What asking neighbours costs a manager: CPU time and memory with probing off and on, while traffic flows.

One lab for each number of pairs, each pair with a peer that answers. The manager runs first without, then
with `[probe]`, its targets being the peers, asked each second. A stream of numbered packets runs in each
direction of the first pair, and the counters say that every pair was asked and answered as often as it
should be. What the kernel does for a question is charged to the process that it interrupts, and not included.
"""

import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from bench.managed import REST_S, Managed, wait_until_used
from bench.report import Report, quartiles
from bench.usage import memory_mb, used
from netvsc_bpf import api
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.probe import ProbeState

_SETTLE_MS = 100
_RATE = 500
_WINDOWS = 6
"""Of which the median counts: what a manager does once in a while is not what probing costs."""
_IDLE_PERCENT = {1: 0.1}
_IDLE_MEMORY_MB = {1: 48.0, 64: 64.0}
"""As of bench/idle.py: with one pair, and with up to 256."""
_PROBING_PERCENT = 1.0
"""Of a CPU, for 64 pairs asked each second."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Of a manager while it was watched."""

    percent: float
    """Of one CPU."""
    switches: float
    """Context switches a second."""
    memory_mb: float
    reachable: int
    """Pairs whose targets answered, at the end."""


def measure(lab: Lab, seconds: float, *, probing: bool) -> Costs:
    """Run a manager beside traffic."""
    with ExitStack() as undo:
        manager = undo.enter_context(Managed(lab, _SETTLE_MS, _configuration(lab, probing=probing)))
        wait_until_used(manager)
        for direction in Direction:
            undo.enter_context(UdpStream(udp_plan(lab, direction, rate=_RATE)))
        time.sleep(REST_S)
        pid = manager.process.pid
        percent, switches = zip(*(_window(pid, seconds / _WINDOWS) for _ in range(_WINDOWS)), strict=True)
        states = [pair.probe.state for pair in lab.in_guest(api.status) if pair.probe is not None]
        return Costs(
            quartiles(percent)[1],
            quartiles(switches)[1],
            memory_mb(pid)["rss"],
            states.count(ProbeState.REACHABLE),
        )


def _window(pid: int, seconds: float) -> tuple[float, float]:
    """Return CPU time in % of a CPU, and context switches a second."""
    before, begin = used(pid), time.monotonic()
    time.sleep(seconds)
    after, took = used(pid), time.monotonic() - begin
    switches = after.voluntary + after.involuntary - before.voluntary - before.involuntary
    return 100 * (after.cpu_s - before.cpu_s) / took, switches / took


def _configuration(lab: Lab, *, probing: bool) -> str:
    text = '[metrics]\nlisten = "none"\n'
    if probing:
        text += "[probe]\nenabled = true\ninterval_s = 1\n"
        for number in range(lab.plan.pairs):
            pair = lab.plan.pair(number)
            text += f'[interface.{pair.synthetic}]\nprobe.targets = ["{pair.peer_address}"]\n'
    return text


@click.command()
@click.option(
    "--pairs", "sizes", multiple=True, type=int, default=(1, 64), show_default=True, help="How many."
)
@click.option("--seconds", default=60.0, show_default=True, help="How long each manager is watched.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(sizes: tuple[int, ...], seconds: float, json_path: Path | None) -> None:
    """Watch managers that probe."""
    enter_sandbox()
    report, rows = Report("probe", json_path), []
    for pairs in sizes:
        with Lab(LabPlan(pairs=pairs)) as lab:
            off, on = (measure(lab, seconds, probing=probing) for probing in (False, True))
        more = on.percent - off.percent
        rows.append((pairs, off.percent, on.percent, more, 10 * more / pairs, on.switches, on.memory_mb))
        report.raw(f"{pairs} pairs", {"off": asdict(off), "on": asdict(on)})
        report.claim(f"{pairs} pairs, reachable", on.reachable, pairs, "", at_least=True)
        if pairs in _IDLE_PERCENT:
            report.claim(f"{pairs} pairs, probing beside traffic, CPU", on.percent, _IDLE_PERCENT[pairs], "%")
        if pairs in _IDLE_MEMORY_MB:
            limit = _IDLE_MEMORY_MB[pairs]
            report.claim(f"{pairs} pairs, probing, resident memory", on.memory_mb, limit, "MB")
        if pairs <= 64:
            report.claim(f"{pairs} pairs, probing alone, CPU", more, _PROBING_PERCENT, "%")
    columns = ("pairs", "off: % of a CPU", "on: % of a CPU", "probing, %", "ms of CPU a question")
    title = f"{seconds:.0f} s with {_RATE} packets/s each way, one question a second and pair"
    report.table(title, (*columns, "on: switches/s", "on: RSS MB"), rows)
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
