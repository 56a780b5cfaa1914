# SPDX-License-Identifier: GPL-2.0-only
"""How soon a manager notices that its programs were detached by others, and what watching for it costs."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click

from bench.command import netvsc_bpf
from bench.report import Report, quartiles
from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.state.beat import EVERY_S
from netvsc_bpf.manager.watch.detached_links import LinkWatch

_HOOKS = ("steer", "home", "guard")
_PATIENCE_S = 30.0
_LOOKS = 300


@click.command()
@click.option("--rounds", default=10, show_default=True, help="Losses of each kind.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(rounds: int, json_path: Path | None) -> None:
    """Take hooks off under a manager, and time the looks at 1 and at 64 pairs."""
    enter_sandbox()
    report = Report("drift", json_path)
    noticed: dict[str, list[float]] = {}
    dice = random.Random(64)
    with Lab() as lab, _manager(lab) as repaired:
        for hook in _HOOKS:
            for name, take_off in (("detached by force", _detach), ("pin removed", Path.unlink)):
                for _ in range(rounds):
                    time.sleep(dice.uniform(0, 1))  # at any moment between two looks
                    begin = time.time()
                    take_off(_pin(lab, hook))
                    noticed.setdefault(f"{hook} {name}", []).append(1e3 * (repaired() - begin))
    looks = {pairs: _us_a_second(pairs) for pairs in (1, 64)}
    rows = [
        (name, len(times), *(f"{one:.0f}" for one in (*quartiles(times), max(times))))
        for name, times in noticed.items()
    ]
    columns = ("loss", "times", "lower quartile", "median", "upper quartile", "worst")
    report.table("ms until it was noticed", columns, rows)
    report.table("us of CPU a second", ("pairs", "median"), [(n, f"{us:.0f}") for n, us in looks.items()])
    report.raw("noticed_ms", noticed)
    report.raw("us_a_second", looks)
    report.claim("noticed, worst", max(max(times) for times in noticed.values()) / 1e3, 1.0, "s")
    report.claim("CPU for 64 pairs", looks[64] / 1e4, 0.5, "%")
    sys.exit(report.finish())


def _detach(path: Path) -> None:
    fd = libbpf.obj_get(path)
    try:
        libbpf.link_detach(fd)
    finally:
        os.close(fd)


def _pin(lab: Lab, hook: str) -> Path:
    return NetnsPins(lab.in_guest(namespaces.current_inode)).link(lab.ifindex(lab.guest, "eth0"), hook)


@contextmanager
def _manager(lab: Lab) -> Iterator[Callable[[], float]]:
    """A manager that looks by itself once an hour; call it for the time at which the next repair began."""
    command = [sys.executable, "-m", "netvsc_bpf.cli.main", "--netns", lab.guest, "run", "eth0", "--any-bus"]
    process = subprocess.Popen(
        [*command, "--log-json", "--interval", "3600"], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    events: list[dict[str, object]] = []
    new = threading.Condition()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            with new:
                events.append(json.loads(line))
                new.notify_all()

    def wait(kind: str) -> dict[str, object]:
        with new:
            found = new.wait_for(lambda: [one for one in events if one["event"] == kind], _PATIENCE_S)
            assert found, f"never {kind}: {events}"
            events.clear()
            return found[0]

    def repaired() -> float:
        event = wait("repaired")
        return datetime.fromisoformat(str(event["time"])).timestamp() - float(str(event["duration_s"]))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        wait("switched")
        yield repaired
    finally:
        process.terminate()
        process.wait()
        reader.join()
        process.stderr.close()
        netvsc_bpf(lab, "detach", "--all")


def _us_a_second(pairs: int) -> float:
    """Return the CPU time that the looks at so many attached pairs take in a second."""
    with Lab(LabPlan(pairs=pairs, fabric=Fabric.NONE)) as lab:
        netvsc_bpf(lab, "attach", "--all", "--any-bus")

        def look() -> float:
            watch = LinkWatch(NetnsPins(namespaces.current_inode()), lambda: None)
            watch.follow()
            times = []
            for _ in range(_LOOKS):
                begin = time.thread_time_ns()
                watch.look()
                times.append((time.thread_time_ns() - begin) / 1e3 / EVERY_S)
            return quartiles(times)[1]

        try:
            return lab.in_guest(look)
        finally:
            netvsc_bpf(lab, "detach", "--all")


if __name__ == "__main__":
    main()
