# SPDX-License-Identifier: GPL-2.0-only
"""What the control plane takes now, relative to an earlier commit: `make bench-since`.

The earlier commit is checked out below build/, with an environment of its own. Both versions do the same work
in the same lab, in turns, and what counts is the ratio within a turn: whatever else the machine does affects
both.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import click

from bench.command import COMMAND, REPO, compile_modules, netvsc_bpf
from bench.compiled import nothing_compiled
from bench.processes import Took, took
from bench.report import Report, quartiles
from bench.scrape import Exporter
from bench.scraping import scrape_costs
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab

_ATTACH, _STATUS, _SCRAPE = 0.85, 0.8, 0.7
"""The most that each may take, relative to the commit that they were agreed on for."""
_COLD, _COMPILES = "attach, cold", "attach, nothing compiled"
"""In a namespace without programs; from the second time on, a version that keeps them has them compiled."""
_PAIRS = 64
_CALLS = 5
"""How often `status` is called in a turn: one call takes a tenth of a second."""


@dataclass(frozen=True, slots=True)
class Version:
    """The command of one checkout."""

    name: str
    command: Path

    def __call__(self, lab: Lab, *arguments: str) -> None:
        """Run it on the guest of a lab. Raises NetvscBpfError, with what it said, where it fails."""
        netvsc_bpf(lab, *arguments, command=self.command)


def checked_out(commit: str) -> Path:
    """Return the command of a checkout with an environment of its own, made first where there is none."""
    folder = REPO / "build/since" / commit
    if not folder.exists():
        git = ["git", "-C", str(REPO)]
        subprocess.run([*git, "worktree", "prune"], check=True)
        subprocess.run([*git, "worktree", "add", "--quiet", "--detach", str(folder), commit], check=True)
    subprocess.run([folder / "scripts/setup.sh"], check=True, stdout=subprocess.DEVNULL)
    compile_modules(folder)
    return folder / ".venv/bin/netvsc-bpf"


def commands(lab: Lab, now: Version, then: Version, rounds: int) -> dict[str, list[tuple[Took, Took]]]:
    """Let both attach to a namespace that has nothing attached, and show what is attached: (now, then)."""
    found: dict[str, list[tuple[Took, Took]]] = {name: [] for name in (_COMPILES, _COLD, "status")}
    for number in range(rounds + 1):
        costs: dict[str, dict[str, Took]] = {name: {} for name in found}
        for version in (now, then) if number % 2 else (then, now):
            attach = partial(version, lab, "attach", "eth0", "--vf", "vf0", "--any-bus")
            with nothing_compiled():
                _, costs[_COMPILES][version.name] = took(attach)
                version(lab, "detach", "--all")
                _, costs[_COLD][version.name] = took(attach)
            _, costs["status"][version.name] = took(partial(_repeat, version, lab))
            version(lab, "detach", "--all")
        if number:  # the first fills caches
            for name, cost in costs.items():
                found[name].append((cost[now.name], cost[then.name]))
    return found


def _repeat(version: Version, lab: Lab) -> None:
    for _ in range(_CALLS):
        version(lab, "status")


def scrapes(lab: Lab, now: Version, then: Version, rounds: int, times: int) -> list[tuple[float, float]]:
    """Scrape a manager of each in turns; return the medians of the CPU time, ms: (now, then)."""
    found = []
    for number in range(rounds):
        costs = {version: _scraped(lab, version, times) for version in ((now, then), (then, now))[number % 2]}
        found.append((costs[now], costs[then]))
    return found


def _scraped(lab: Lab, version: Version, times: int) -> float:
    with ExitStack() as undo:
        exporter = Exporter(undo, lab, version.command)
        return quartiles(scrape_costs(exporter.scraper, exporter.pid, times).cpu_ms)[1]


def _ratios(pairs: Sequence[tuple[Took, Took]], of: Callable[[Took], float]) -> tuple[float, float, float]:
    return quartiles([of(now) / of(then) for now, then in pairs])


@click.command()
@click.option("--commit", default="25a0efa", show_default=True, help="What to compare with.")
@click.option("--rounds", default=20, show_default=True, help="How often each command is compared.")
@click.option("--scrapes", "times", default=100, show_default=True, help="Scrapes of each manager.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(commit: str, rounds: int, times: int, json_path: Path | None) -> None:
    """Compare attach, status and scrapes with an earlier commit."""
    now, then = Version("now", COMMAND), Version(commit, checked_out(commit))
    compile_modules()
    enter_sandbox()
    report = Report("since", json_path)
    with Lab(LabPlan(fabric=Fabric.NONE)) as lab:
        found = commands(lab, now, then, rounds)
    with Lab(LabPlan(pairs=_PAIRS, fabric=Fabric.NONE)) as lab:
        scraped = scrapes(lab, now, then, 4, times)
    show(report, commit, found, scraped)
    sys.exit(report.finish())


def show(
    report: Report,
    commit: str,
    found: Mapping[str, Sequence[tuple[Took, Took]]],
    scraped: Sequence[tuple[float, float]],
) -> None:
    """Print the ratios with their quartiles, and hold them against their limits."""
    rows = []
    for name, pairs in found.items():
        rows.append((f"{name}, wall clock", *_ratios(pairs, lambda one: one.wall)))
        rows.append((f"{name}, CPU time", *_ratios(pairs, lambda one: one.cpu)))
    rows.append((f"scrape of {_PAIRS} pairs, CPU time", *quartiles([now / then for now, then in scraped])))
    report.table(f"now over {commit}", ("ratio", "lower", "median", "upper"), rows)
    ratio = {str(name): median for name, _, median, _ in rows}
    raw = {name: [[asdict(one) for one in pair] for pair in pairs] for name, pairs in found.items()}
    report.raw("commands_s", raw)
    report.raw("scrapes_cpu_ms", scraped)
    for name, limit in ((f"{_COLD}, wall clock", _ATTACH), ("status, wall clock", _STATUS)):
        report.claim(f"{name}, over {commit}", ratio[name], limit, "")
    report.claim(f"scrape of {_PAIRS} pairs, CPU time, over {commit}", ratio[rows[-1][0]], _SCRAPE, "")


if __name__ == "__main__":
    main()
