# SPDX-License-Identifier: GPL-2.0-only
"""Wall clock, CPU time and memory of attach, detach and status as whole processes."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from bench.command import compile_modules, netvsc_bpf
from bench.compiled import nothing_compiled
from bench.processes import Took, took
from bench.report import Report, quartiles
from bench.watching import Watched, watch
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab

_MANY = 64
_ONE_PAIR = ("attach", "eth0", "--vf", "vf0")


@click.command()
@click.option("--rounds", default=15, show_default=True, help="Cold attaches, each in a new namespace.")
@click.option("--many-rounds", default=7, show_default=True, help="Rounds with 64 pairs.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(rounds: int, many_rounds: int, json_path: Path | None) -> None:
    """Time whole processes of attach, status and detach."""
    compile_modules()
    enter_sandbox()
    report = Report("attach", json_path)
    times: dict[str, list[Took]] = {}
    memory: dict[str, list[Watched]] = {}

    def timed(name: str, lab: Lab, *args: str) -> None:
        times.setdefault(name, []).append(took(lambda: netvsc_bpf(lab, *args))[1])

    def watched(name: str, lab: Lab, *args: str) -> None:
        memory.setdefault(name, []).append(watch(lab, *args))

    for _ in range(rounds):
        with Lab() as lab, nothing_compiled():
            timed("attach, nothing compiled", lab, *_ONE_PAIR)
            netvsc_bpf(lab, "detach", "eth0")
            timed("attach, cold", lab, *_ONE_PAIR)
            timed("attach again", lab, *_ONE_PAIR)
            timed("status, 1 pair", lab, "status", "--json")
            watched("status, 1 pair", lab, "status", "--json")
            timed("detach", lab, "detach", "eth0")
    with nothing_compiled(), Lab(LabPlan(pairs=_MANY, fabric=Fabric.NONE)) as lab:
        for _ in range(many_rounds):
            timed("attach --all, 64 pairs", lab, "attach", "--all", "--any-bus")
            for _ in range(3):
                timed("status, 64 pairs", lab, "status", "--json")
            watched("status, 64 pairs", lab, "status", "--json")
            timed("detach --all, 64 pairs", lab, "detach", "--all")
    _tell(report, times, memory)
    sys.exit(report.finish())


def _tell(report: Report, times: dict[str, list[Took]], memory: dict[str, list[Watched]]) -> None:
    middle = {name: quartiles([one.wall for one in runs])[1] for name, runs in times.items()}
    rows = [
        (
            name,
            len(runs),
            *(
                f"{1e3 * wall:.0f}"
                for wall in (*quartiles([one.wall for one in runs]), max(r.wall for r in runs))
            ),
            f"{1e3 * quartiles([one.cpu for one in runs])[1]:.0f}",
        )
        for name, runs in times.items()
    ]
    columns = ("process", "runs", "lower quartile", "median", "upper quartile", "worst", "CPU time, median")
    report.table("ms, whole processes", columns, rows)
    peaks = {name: quartiles([one.peak_kb / 1024 for one in seen])[1] for name, seen in memory.items()}
    everything = [one for seen in memory.values() for one in seen]
    report.table("MB, peak of resident memory", ("process", "median"), list(peaks.items()))
    report.say("a cold attach finds its programs compiled, by an earlier one; each includes 100 ms to settle")
    report.raw("seconds", {name: [asdict(one) for one in runs] for name, runs in times.items()})
    report.raw("peak_kb", {name: [one.peak_kb for one in seen] for name, seen in memory.items()})

    for name in ("attach, nothing compiled", "attach, cold"):
        report.claim(name, middle[name], 1.0, "s")
    report.claim("attach --all, 64 pairs", middle["attach --all, 64 pairs"], 3.0, "s")
    for name in ("status, 1 pair", "status, 64 pairs"):
        report.claim(name, middle[name], 0.3, "s")
        report.claim(f"{name}, peak memory", peaks[name], 45, "MB")
    report.claim("bcc modules or libraries in status", sum(_has_bcc(one) for one in everything), 0, "")
    report.claim(
        "libbpf in status (a check of the check)",
        sum(one.libbpf_mapped for one in everything),
        len(everything),
        "",
        at_least=True,
    )


def _has_bcc(one: Watched) -> bool:
    return one.bcc_imported or one.libbcc_mapped


if __name__ == "__main__":
    main()
