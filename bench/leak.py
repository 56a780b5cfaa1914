# SPDX-License-Identifier: GPL-2.0-only
"""attach, flap and detach a thousand times: what is left, in this process and in the kernel.

A second pair stays attached, so that a cycle need not compile; from time to time it is detached as well,
and everything is loaded anew. Other programs of the machine use BPF too: objects of netvsc-bpf are
recognised by their IDs. Memory is compared from the middle on: caches and free lists fill for some hundred
cycles.
"""

import gc
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

import click

from bench.report import Report
from netvsc_bpf import datapath
from netvsc_bpf.lab.objects_alive import Object, alive, pinned
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.sandbox import BPFFS, enter_sandbox
from netvsc_bpf.lab.topology import Lab

_SAMPLES = 10
_ANEW_EVERY = 20
"""Cycles between two that load the programs anew."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What there is after a number of cycles, the lasting pair detached."""

    cycles: int
    descriptors: int
    threads: int
    pins: int
    qdiscs: int
    objects: int
    """Maps, programs and links of all cycles before that the kernel still has."""
    resident_kb: int


@click.command()
@click.option("--cycles", default=1000, show_default=True, help="How often.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(cycles: int, json_path: Path | None) -> None:
    """Measure, print, judge."""
    enter_sandbox()
    report = Report("leak", json_path)
    with Lab(LabPlan(pairs=2, fabric=Fabric.NONE)) as lab:
        # One before the first sample: libraries are loaded and /proc is open.
        samples = [_sample(lab, 0, _cycles(lab, 1))]
        share = max(1, cycles // _SAMPLES)
        for done in range(share, cycles + 1, share):
            samples.append(_sample(lab, done, _cycles(lab, share)))
    names = [field.name for field in fields(Sample)]
    report.table(f"{cycles} times attach, down, up, detach", names, [astuple(one) for one in samples])
    report.raw("samples", [asdict(one) for one in samples])
    _judge(report, samples)
    sys.exit(report.finish())


def _judge(report: Report, samples: list[Sample]) -> None:
    first, warm, last = samples[0], samples[len(samples) // 2], samples[-1]
    report.claim("file descriptors more", last.descriptors - first.descriptors, 0, "")
    report.claim("threads more", last.threads - first.threads, 0, "")
    report.claim("pins more", last.pins - first.pins, 0, "")
    report.claim("qdiscs more", last.qdiscs - first.qdiscs, 0, "")
    report.claim("maps, programs and links left", sum(one.objects for one in samples), 0, "")
    report.claim("resident memory more in the second half", last.resident_kb - warm.resident_kb, 512, "kB")


def _cycles(lab: Lab, count: int) -> set[Object]:
    """Attach, flap and detach `count` times; return every object that this took."""
    taken: set[Object] = set()
    for number in range(count):
        if number % _ANEW_EVERY == 0:
            lab.in_guest(datapath.detach_all)
            lab.in_guest(datapath.attach, "eth1", _options("vf1"))
        lab.in_guest(datapath.attach, "eth0", _options("vf0"))
        taken |= pinned(_pins())
        lab.vf_down()
        lab.vf_up()
        lab.in_guest(datapath.detach, "eth0")
    lab.in_guest(datapath.detach_all)
    return taken


def _options(vf: str) -> datapath.AttachOptions:
    return datapath.AttachOptions(vf=vf, settle_ms=10)


def _sample(lab: Lab, cycles: int, taken: set[Object]) -> Sample:
    gc.collect()
    # The kernel frees unreferenced objects asynchronously.
    _wait(lambda: not alive(taken))
    return Sample(
        cycles=cycles,
        descriptors=_count(Path("/proc/self/fd").iterdir()),
        threads=_count(Path("/proc/self/task").iterdir()),
        pins=_count(_pins()),
        qdiscs=len(lab.run(lab.guest, ["tc", "qdisc", "show"]).stdout.splitlines()),
        objects=len(alive(taken)),
        resident_kb=_resident_kb(),
    )


def _pins() -> list[Path]:
    # The kernel puts two iterators of its own (*.debug) into every new bpffs.
    return [path for path in BPFFS.rglob("*") if path.suffix != ".debug"]


def _wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done() and time.monotonic() < deadline:
        time.sleep(0.05)


def _count(things: Iterable[object]) -> int:
    return sum(1 for _ in things)


def _resident_kb() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


if __name__ == "__main__":
    main()
