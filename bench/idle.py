# SPDX-License-Identifier: GPL-2.0-only
"""What a manager takes that has nothing to do, with one pair and with 256: CPU, context switches, memory."""

import sys
import time
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from bench.managed import Managed, PairStates, attached
from bench.report import Report
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab

_SETTLE_MS = 100
_REST_S = 5.0
"""After the last VF is in use: announcements are repeated, watches settle."""
_MEMORY_MB = {1: 48.0, 256: 64.0}
_CPU_PERCENT = {1: 0.5, 256: 5.0}
"""Of one CPU. It looks for stalled VFs once a second, at everything every 30 s."""


@dataclass(frozen=True, slots=True)
class Used:
    """What a process had used at a moment; CPU time of all its threads in s."""

    cpu_s: float
    voluntary: int
    involuntary: int


def used(pid: int) -> Used:
    """Read /proc/PID/task/*: schedstat has nanoseconds where stat has ticks."""
    run_ns = voluntary = involuntary = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        run_ns += int((task / "schedstat").read_text().split()[0])
        status = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
        voluntary += int(status["voluntary_ctxt_switches"])
        involuntary += int(status["nonvoluntary_ctxt_switches"])
    return Used(run_ns / 1e9, voluntary, involuntary)


def memory_mb(pid: int) -> dict[str, float]:
    """Return Rss and Pss of a process, and its peak."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    found = {name: int(value.split()[0]) / 1024 for name, value in (line.split(":", 1) for line in lines)}
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {"rss": found["Rss"], "pss": found["Pss"], "peak": int(status["VmHWM"].split()[0]) / 1024}


def mapped(pid: int, library: str) -> bool:
    """Tell whether a process has a shared library, or an extension module, of that name in its memory."""
    return library in Path(f"/proc/{pid}/maps").read_text()


def wait_until_used(manager: Managed) -> None:
    """Return once the VFs of all pairs are in use."""
    lab = manager.lab
    manager.wait("all pairs", lambda: attached(lab) == lab.plan.pairs, 0.1)
    with closing(PairStates(lab)) as states:
        manager.wait("all VFs in use", lambda: states.armed() == lab.plan.pairs, 0.05)


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
        time.sleep(_REST_S)
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
