# SPDX-License-Identifier: GPL-2.0-only
"""CPU time, context switches and memory of a manager that has nothing to do, with one pair and with 256."""

import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import click

from bench.managed import REST_S, Managed, wait_until_used
from bench.report import Report
from bench.usage import mapped, memory_mb, used
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab

_SETTLE_MS = 100
_MEMORY_MB = {1: 48.0, 256: 64.0}
_CPU_PERCENT = {1: 0.1, 256: 2.5}
"""Of one CPU: with one pair less than the smallest number that top and ps can show.

It checks every second whether each link is still attached, for which there is no event, and reconciles
every 30 s.
"""


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="How long it is watched.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(seconds: float, json_path: Path | None) -> None:
    """Watch idle managers."""
    enter_sandbox()
    report = Report("idle", json_path)
    rows, columns = [], ("pairs", "CPU ms", "% of a CPU", "switches", "involuntary", "RSS MB", "PSS", "peak")
    with ExitStack() as undo:
        managers: dict[int, Managed] = {}
        for pairs in _MEMORY_MB:
            lab = undo.enter_context(Lab(LabPlan(pairs=pairs, fabric=Fabric.NONE)))
            managers[pairs] = undo.enter_context(Managed(lab, _SETTLE_MS))
            wait_until_used(managers[pairs])
        time.sleep(REST_S)
        pids = {pairs: manager.process.pid for pairs, manager in managers.items()}
        before = {pairs: used(pid) for pairs, pid in pids.items()}
        time.sleep(seconds)
        for pairs, pid in pids.items():
            after, memory = used(pid), memory_mb(pid)
            cpu_s = after.cpu_s - before[pairs].cpu_s
            voluntary, involuntary = (
                after.voluntary - before[pairs].voluntary,
                after.involuntary - before[pairs].involuntary,
            )
            percent = 100 * cpu_s / seconds
            rows.append((pairs, 1e3 * cpu_s, percent, voluntary, involuntary, *memory.values()))
            report.raw(f"{pairs} pairs", {"before": asdict(before[pairs]), "after": asdict(after), **memory})
            report.claim(f"{pairs} pairs, CPU", percent, _CPU_PERCENT[pairs], "%")
            report.claim(f"{pairs} pairs, resident memory", memory["rss"], _MEMORY_MB[pairs], "MB")
            report.claim(f"{pairs} pairs, libbcc in memory", mapped(pid, "libbcc"), 0, "")
            report.claim(
                f"{pairs} pairs, libbpf (a check of the check)", mapped(pid, "libbpf"), 1, "", at_least=True
            )
    report.table(f"{seconds:.0f} s with nothing to do", columns, rows)
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
