# SPDX-License-Identifier: GPL-2.0-only
"""1,000 flaps in quick succession under a running manager, then a day of 900 an hour in simulated time.

The day is that of tests/unit/planner/test_flaps.py: the kernel is simulated, memory and planner are the
real ones. What the manager holds is read from /proc once its caches are warm, and again after the flaps.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import click

from bench.managed import Managed, PairStates, attached
from bench.report import Report
from netvsc_bpf import datapath
from netvsc_bpf.lab.objects_alive import alive, pinned
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.sandbox import BPFFS, enter_sandbox
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Reason
from netvsc_bpf.planner.damping import DampingPolicy
from tests.unit.planner.test_flaps import FLAPS_AN_HOUR, Day

_HOURS = 24
_WARM = 100
"""Flaps before the first sample: libraries are loaded, histories filled."""
_REMOVED_EVERY = 10
"""Every so often a VF that is damped is removed and plugged in, which is no failure; the others are flaps."""
_MEMORY_KB = 2048
"""The history of events fills (`events_kept`)."""
_PATIENCE_S = 60.0
"""A pair that was changed too often is made to wait (manager/state/pair_state.py)."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What there is at a moment of rest."""

    flaps: int
    descriptors: int
    threads: int
    pins: int
    objects: int
    """Maps, programs and links that are pinned."""
    resident_kb: int


def flapped(report: Report, flaps: int) -> None:
    """Flap a real VF under a real manager."""
    with Lab(LabPlan(fabric=Fabric.NONE)) as lab, Managed(lab, 10) as manager:
        manager.wait("the pair", lambda: attached(lab) == 1)
        states = PairStates(lab)
        manager.wait("the VF in use", lambda: states.armed() == 1)
        states.close()
        _flap(lab, _WARM, removals=False)
        first, held = _sample(manager, _WARM), pinned(_pins())
        begin = time.monotonic()
        _flap(lab, flaps, removals=True)
        took = time.monotonic() - begin
        last = _sample(manager, _WARM + flaps)
        promotions = len([event for event in manager.events_of("switched") if event.get("to") == "vf"])
        report.table(
            f"{flaps} flaps in {took:.1f} s, {promotions} promotions in all",
            [field.name for field in fields(Sample)],
            [astuple(first), astuple(last)],
        )
        # Four failures exceed the threshold; the kernel may return once more before the withdrawal.
        most = int(DampingPolicy().suppress // DampingPolicy().penalty) + 2
        report.claim("promotions", promotions, most, "")
        report.claim("final state right", _becomes_right(lab, manager), 1, "", at_least=True)
        report.claim("file descriptors more", last.descriptors - first.descriptors, 0, "")
        report.claim("threads more", last.threads - first.threads, 0, "")
        report.claim("pins more", last.pins - first.pins, 0, "")
        report.claim("objects pinned more", last.objects - first.objects, 0, "")
        report.claim("objects that live without a pin", len(alive(held - pinned(_pins()))), 0, "")
        report.claim("resident memory more", last.resident_kb - first.resident_kb, _MEMORY_KB, "kB")


def _becomes_right(lab: Lab, manager: Managed) -> bool:
    deadline = time.monotonic() + _PATIENCE_S
    while not _is_right(lab, manager):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _is_right(lab: Lab, manager: Managed) -> bool:
    """Return whether the VF is used, or damped if the manager reported that."""
    (one,) = lab.in_guest(datapath.status)
    expected = Reason.DAMPED if manager.events_of("damped") else Reason.ARMED
    return one.reason is expected and one.vf is not None and one.vf.name == "vf0"


def simulated(report: Report) -> None:
    """Replay a day, and let it be calm afterwards."""
    day = Day()
    begin = day.now
    for _ in range(_HOURS * FLAPS_AN_HOUR):
        day.carrier_flap()
    hours = [day.in_hour(number, begin) for number in range(_HOURS)]
    flapping = day.world.armed
    day.now += (day.memory.damper.reuse_in_s(day.now) or 0.0) + 1
    day.manage()
    day.settle()
    row = ("carrier", hours[0], max(hours[1:]), sum(hours), str(day.world.armed and not flapping))
    report.raw("carrier", hours)
    report.claim("carrier: promotions in any hour", max(hours), 5, "")
    report.claim("carrier: final state right", day.world.armed and not flapping, 1, "", at_least=True)
    columns = ("promotions", "first hour", "worst of the others", "in all", "used again when calm")
    report.table(f"{_HOURS} simulated hours of {FLAPS_AN_HOUR} flaps", columns, [row])


def _flap(lab: Lab, count: int, *, removals: bool) -> None:
    for number in range(count):
        if number % _REMOVED_EVERY or not removals:
            lab.vf_down()
            lab.vf_up()
        else:
            lab.unplug_vf()
            lab.plug_vf(up=False)


def _sample(manager: Managed, flaps: int) -> Sample:
    seen = -1
    while seen != len(manager.events):  # until it is at rest
        seen = len(manager.events)
        time.sleep(1.5)
    process = Path(f"/proc/{manager.process.pid}")
    resident = next(
        int(line.split()[1])
        for line in (process / "status").read_text().splitlines()
        if line.startswith("VmRSS:")
    )
    return Sample(
        flaps=flaps,
        descriptors=sum(1 for _ in (process / "fd").iterdir()),
        threads=sum(1 for _ in (process / "task").iterdir()),
        pins=len(_pins()),
        objects=len(pinned(_pins())),
        resident_kb=resident,
    )


def _pins() -> list[Path]:
    # The kernel puts two iterators of its own (*.debug) into every new bpffs.
    return [path for path in BPFFS.rglob("*") if path.suffix != ".debug" and path.is_file()]


@click.command()
@click.option("--flaps", default=1000, show_default=True, help="Real ones.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(flaps: int, json_path: Path | None) -> None:
    """Flap, really and simulated."""
    enter_sandbox()
    report = Report("flaps", json_path)
    parts: list[Callable[[], None]] = [lambda: flapped(report, flaps), lambda: simulated(report)]
    for part in parts:
        part()
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
