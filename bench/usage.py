# SPDX-License-Identifier: GPL-2.0-only
"""What a running process has used and holds: CPU time, context switches, memory, libraries."""

from dataclasses import dataclass
from pathlib import Path


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
    """Return whether a process has a shared library, or an extension module, of that name mapped."""
    return library in Path(f"/proc/{pid}/maps").read_text()
