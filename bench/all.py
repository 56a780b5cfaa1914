# SPDX-License-Identifier: GPL-2.0-only
"""Every benchmark, one after the other, each within its time: `make bench-all`.

What times moments comes first, while the machine is still as quiet as it was found; guests come last, because
they are counted in instructions or packets and keep both CPUs busy. A benchmark that does not finish leaves
its earlier result alone.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click

RESULTS = Path(__file__).resolve().parent / "results"
_GRACE_S = 20.0
"""Time for a benchmark to end after SIGTERM: it ends its guest and its managers too."""
_REST_S = 5.0
"""Between two: what the last one left to the kernel is done."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One benchmark, and how long it may take."""

    name: str
    limit_s: float


TURNS = (
    Turn("programs", 300),
    Turn("attach", 300),
    Turn("join", 300),
    Turn("idle", 300),
    Turn("probe", 600),
    Turn("churn", 400),
    Turn("scrape", 300),
    Turn("fleet", 900),
    Turn("since", 400),
    Turn("pairs", 400),
    Turn("control", 900),
    Turn("drift", 300),
    Turn("tcp", 500),
    Turn("small", 400),
    Turn("kills", 900),
    Turn("flaps", 600),
    Turn("drain", 1800),
    Turn("failover", 900),
    Turn("announce", 300),
    Turn("leak", 1200),
    Turn("damping", 60),
    Turn("path", 3000),
    Turn("black-hole", 3600),
    Turn("drain-guest", 3900),
    Turn("guard", 1200),
    Turn("announce-guest", 1800),
    Turn("migration", 3 * 3600),
    Turn("failover-guest", 8 * 3600),
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a turn ended."""

    seconds: float
    verdict: str
    well: bool


def take(turn: Turn, results: Path) -> Ended:
    """Run one benchmark within its time; it prints as if it were run alone."""
    target = results / f"{turn.name}.json"
    command = [sys.executable, "-m", f"bench.{turn.name.replace('-', '_')}", "--json", str(target)]
    before, begin = _written(target), time.monotonic()
    # A session of its own, so that whatever it started can be ended with it.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        status = process.wait(turn.limit_s)
    except subprocess.TimeoutExpired:
        _end(process)
        return Ended(time.monotonic() - begin, f"NOT FINISHED in {turn.limit_s:.0f} s", False)
    except BaseException:
        _end(process)
        raise
    seconds = time.monotonic() - begin
    if _written(target) == before:
        return Ended(seconds, f"FAILED, status {status}, no result", False)
    return Ended(seconds, "every limit kept" if status == 0 else "limits MISSED", status == 0)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_S)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # nothing of its session is left
    process.wait()


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


@click.command()
@click.option("--only", multiple=True, type=click.Choice([one.name for one in TURNS]), help="Some of them.")
@click.option(
    "--without", multiple=True, type=click.Choice([one.name for one in TURNS]), help="All but these."
)
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, help="Where the numbers go.")
def main(only: tuple[str, ...], without: tuple[str, ...], results: Path) -> None:
    """Measure everything."""
    results.mkdir(parents=True, exist_ok=True)
    turns = [one for one in TURNS if one.name in (only or [one.name]) and one.name not in without]
    ends: dict[str, Ended] = {}
    for turn in turns:
        print(f"\n=== bench-{turn.name}, at most {turn.limit_s:.0f} s", flush=True)
        ends[turn.name] = take(turn, results)
        time.sleep(_REST_S)
    whole = sum(one.seconds for one in ends.values())
    print(f"\n=== {len(ends)} benchmarks in {whole:.0f} s; make bench-docs writes them down")
    for name, end in ends.items():
        print(f"{name:10} {end.seconds:5.0f} s  {end.verdict}")
    sys.exit(0 if all(one.well for one in ends.values()) else 1)


if __name__ == "__main__":
    main()
